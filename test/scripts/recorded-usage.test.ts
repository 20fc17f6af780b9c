import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { priceBook } from '../../lambda/config/price-book.ts';
import { nanoFromFemto } from '../../lambda/domain/money/nano.ts';
import { type PricedCase, priceCase } from '../../scripts/recorded-usage/price-case.ts';
import { recordedUsage } from '../../scripts/recorded-usage/read.ts';

const catalogue = JSON.parse(
  readFileSync(new URL('../../lambda/config/price-catalogue.json', import.meta.url), 'utf8'),
);
const recorded = await recordedUsage();
const AT_MS = Date.parse(catalogue.header.date);
const book = priceBook(catalogue, {});
const cases: readonly PricedCase[] = recorded.flatMap((one) => priceCase(book, one, AT_MS) ?? []);

/** Counts that contradict themselves: more cached than asked, or a total that leaves reasoning out. */
const CONTRADICTORY: ReadonlySet<string> = new Set([
  'azure--chat-function-calling-azure-grok-4-1-fast-non-reasoning-can-use.2',
  'vercel-gateway--chat-gemini-3-pro-preview-thinking-streaming.1',
]);
/** Vercel bills reasoning beside the completion tokens, although its total counts it as a part of them. */
const BILLED_TWICE: Readonly<Record<string, bigint>> = {
  'vercel-gateway--chat-gpt-5-thinking.1': 1_920_000n,
};
/** Answers whose provider says nothing of what it counted: what is charged then is counted here, and marked. */
const SILENT = [
  'cloudflare--chat-cloudflare-data-extraction',
  'groq--chat-tool-use-failed-error-streaming',
  'openai-compatible--chat-anthropic-fallback-tool-call-stream',
  'openrouter--reported-midstream-error',
  'reported-200-stream-overloaded',
];

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

describe.each(cases)('$name', (one) => {
  test('costs the sum of its buckets, rounded once', () => {
    const femto = Object.values(one.costs).reduce((a, b) => a + b, 0n);
    expect(one.total).toBe(nanoFromFemto(femto));
    expect(one.total > 0n).toBe(true);
  });

  test('has each token in one bucket, as the provider’s own total counts them', () => {
    const counts = Object.values(one.buckets);
    expect(counts.every((count) => Number.isSafeInteger(count) && count >= 0)).toBe(true);
    if (one.reportedTokens !== undefined && !CONTRADICTORY.has(one.name))
      expect(sum(counts)).toBe(one.reportedTokens);
  });

  test('is charged for the searches it reports', () => {
    const searches = recorded.find(({ name }) => name === one.name)?.usage?.webSearchRequests ?? 0;
    expect(one.costs.webSearches > 0n).toBe(searches > 0);
  });

  test('costs what the provider says it charged, where it says so', () => {
    if (one.reportedCost === undefined) return;
    // Perplexity rounds each of its parts to a hundred-thousandth of a dollar.
    const tolerance = one.provider === 'perplexity' ? 10_000 : 0;
    const explained = one.total + (BILLED_TWICE[one.name] ?? 0n);
    expect(Math.abs(Number(explained - one.reportedCost))).toBeLessThanOrEqual(tolerance);
  });
});

test('answers that report nothing are known', () => {
  const silent = recorded.filter(({ usage }) => usage === undefined).map(({ name }) => name);
  expect(silent.sort()).toEqual(SILENT);
});

test('the recordings reach all that is charged apart but sound in the answer and kept caches', () => {
  const used = new Set(
    cases.flatMap(({ costs }) => Object.entries(costs).flatMap(([name, cost]) => (cost > 0n ? [name] : []))),
  );
  expect([...used].sort()).toEqual([
    'cacheRead',
    'completion',
    'prompt',
    'promptAudio',
    'reasoning',
    'request',
    'webSearches',
  ]);
});
