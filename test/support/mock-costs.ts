import { expect } from '@jest/globals';
import { BUDGET_WINDOWS } from '../../lambda/domain/money/window.ts';
import type { LocalGateway, TestKey } from './local-gateway.ts';

/** What the mock's answer of so many tokens costs in nano-dollars, at `MOCK_PRICE`: prompt, cached prompt, completion. */
export const openaiCost = (tokens: number): bigint => BigInt(17 * 3_000 + 4 * 500 + tokens * 17_000);
/** The same for the mock of Anthropic, which also counts tokens written to the cache. */
export const anthropicCost = (tokens: number): bigint =>
  BigInt(21 * 3_000 + 4 * 500 + 5 * 4_000 + tokens * 17_000);

/** All windows that are counted without a budget per hour hold these two amounts. */
export async function expectCounters(
  gateway: LocalGateway,
  key: TestKey['key'],
  spent: bigint,
  committed: bigint = spent,
): Promise<void> {
  const { windows } = await gateway.counters(key);
  const kinds = Object.keys(windows).map((id) => id.split(':')[0]);
  expect(kinds.sort()).toEqual(BUDGET_WINDOWS.filter((kind) => kind !== 'hour').sort());
  for (const counters of Object.values(windows)) expect(counters).toEqual({ committed, spent });
}
