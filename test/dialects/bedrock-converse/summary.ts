import { expect } from '@jest/globals';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { callsOf, textOf, usageOf } from '../recordings.ts';
import type { Expected } from './recordings.ts';

/** Holds what was read against what the official SDK made of the same bytes. */
export function expectSummary(events: readonly ChatEvent[], expected: Expected): void {
  const last = events.at(-1);
  expect(last?.type).toBe(expected.outcome === 'ok' ? 'end' : 'error');
  expect({
    text: textOf(events, 'text-delta'),
    reasoning: textOf(events, 'reasoning-delta'),
    tools: toolCalls(events),
    finish: events.flatMap((event) => (event.type === 'finish' ? [event.upstreamReason] : [])),
    usage: usageOf(events) ?? {},
  }).toEqual({
    text: expectedText(expected, events),
    reasoning: expected.reasoning,
    tools: expected.tools?.map((tool) => ({ ...tool, args: expectedArguments(tool.args) })),
    finish: [expected.finish],
    usage: expectedUsage(expected.usage ?? {}),
  });
}

/**
 * The SDK's summary of a whole answer counts text in blocks of its own only, not in those with sources; that nothing of these
 * is lost is shown by encoding them again.
 */
const expectedText = (expected: Expected, events: readonly ChatEvent[]): string | undefined =>
  expected.block_types?.includes('citationsContent') === true ? textOf(events, 'text-delta') : expected.text;

/** Arguments the SDK could not parse are told as they came: no text at all stands for no arguments. */
function expectedArguments(args: unknown): unknown {
  const isRaw = typeof args === 'object' && args !== null && '__raw' in args;
  return isRaw && args.__raw === '' ? {} : args;
}

export const toolCalls = (events: readonly ChatEvent[]): readonly unknown[] =>
  callsOf(events).map(({ id, name, arguments: given }) => ({ id, name, args: JSON.parse(given) }));

function expectedUsage(usage: JsonObject): Usage {
  const count = (name: string): number => {
    const value = usage[name];
    return typeof value === 'number' ? value : 0;
  };
  const isCacheTold = usage['cacheReadInputTokens'] !== undefined;
  return {
    promptTokens: count('inputTokens') + count('cacheReadInputTokens') + count('cacheWriteInputTokens'),
    completionTokens: count('outputTokens'),
    ...(isCacheTold && {
      cacheReadTokens: count('cacheReadInputTokens'),
      cacheWriteTokens: count('cacheWriteInputTokens'),
    }),
  };
}
