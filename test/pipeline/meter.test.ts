import { describe, expect, test } from '@jest/globals';
import type { ChatEvent, Frame } from '../../lambda/domain/chat/event.ts';
import { costOf } from '../../lambda/domain/money/cost.ts';
import { femtoFromUsdPerMillion, nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { Price } from '../../lambda/domain/money/price.ts';
import type { Usage } from '../../lambda/domain/money/usage.ts';
import { createMeter } from '../../lambda/pipeline/meter.ts';
import type { Quote } from '../../lambda/pipeline/quote.ts';

const PRICE: Price = {
  mode: 'chat',
  version: 'test',
  standard: {
    rates: { prompt: femtoFromUsdPerMillion(1), completion: femtoFromUsdPerMillion(10) },
    longContext: [],
  },
  tiers: {},
  capabilities: [],
};
const QUOTE: Quote = {
  price: PRICE,
  bound: { promptTokens: 400, completionTokens: 1_000, hasAudio: false },
  estimate: nanoUsd(10_400_000n),
  likelyPromptTokens: 100,
  isHeld: false,
  hasUncountedMedia: false,
  tokensBeside: 0,
  hasUnseenOutput: false,
};

const at = { choice: 0, block: 0 };
const text = (value: string): ChatEvent => ({ type: 'text-delta', text: value, ...at });
const usage = (value: Usage): ChatEvent => ({ type: 'usage', usage: value });
const FINISH: ChatEvent = { type: 'finish', choice: 0, reason: 'stop', upstreamReason: 'stop' };
const END: ChatEvent = { type: 'end' };
const ERROR: ChatEvent = {
  type: 'error',
  error: {
    code: 'upstream_error',
    message: 'x',
    status: undefined,
    providerCode: undefined,
    retryAfterSeconds: undefined,
  },
};

/** Meters an answer made of one frame for each event. */
async function meterOf(events: readonly ChatEvent[], quote: Partial<Quote> = {}) {
  const meter = createMeter({ ...QUOTE, ...quote });
  async function* frames(): AsyncGenerator<Frame> {
    for (const event of events) yield { raw: 'x', events: [event] };
  }
  const passed: ChatEvent[] = [];
  for await (const frame of meter.measure(frames())) passed.push(...frame.events);
  return { passed, read: meter.read() };
}

describe('an answer whose usage is reported', () => {
  test('costs what its usage says, exactly', async () => {
    const { read } = await meterOf([
      text('Hello'),
      FINISH,
      usage({ promptTokens: 7, completionTokens: 2 }),
      END,
    ]);
    expect(read).toMatchObject({ chargeBasis: 'exact', ending: 'end', finishReason: 'stop' });
    expect(read.cost.total).toBe(27_000n);
  });

  test('carries the cost in every usage that passes', async () => {
    const { passed } = await meterOf([usage({ promptTokens: 7 }), usage({ completionTokens: 2 }), END]);
    const costs = passed.flatMap((event) => (event.type === 'usage' ? [event.cost?.total] : []));
    expect(costs).toEqual([7_000n, 27_000n]);
  });

  test('adds later reports to earlier ones, field by field', async () => {
    const { read } = await meterOf([
      usage({ promptTokens: 7, cacheReadTokens: 3, completionTokens: 1 }),
      usage({ completionTokens: 9 }),
      FINISH,
      END,
    ]);
    expect(read.usage).toEqual({ promptTokens: 7, cacheReadTokens: 3, completionTokens: 9 });
    expect(read.cost).toEqual(costOf(PRICE, read.usage));
  });

  test('is believed although its text looks longer', async () => {
    const { read } = await meterOf([
      text('x'.repeat(900)),
      FINISH,
      usage({ promptTokens: 1, completionTokens: 5 }),
      END,
    ]);
    expect(read.usage.completionTokens).toBe(5);
  });

  test('is exact also where only the proper end is missing', async () => {
    const { read } = await meterOf([
      text('ab'),
      FINISH,
      usage({ promptTokens: 1, completionTokens: 5 }),
      ERROR,
    ]);
    expect(read).toMatchObject({ chargeBasis: 'exact', usage: { completionTokens: 5 } });
  });
});

describe('an answer whose usage is not', () => {
  test('is counted from its bytes, not its characters', async () => {
    const { read } = await meterOf([text('水'.repeat(30)), FINISH, END]);
    expect(read.usage).toEqual({ promptTokens: 100, completionTokens: 30, estimated: true });
    expect(read.chargeBasis).toBe('estimated');
  });

  test('counts text, reasoning, refusals and arguments', async () => {
    const { read } = await meterOf([
      text('abc'),
      { type: 'reasoning-delta', text: 'abc', ...at },
      { type: 'refusal-delta', text: 'abc', ...at },
      { type: 'tool-call-delta', arguments: 'abc', ...at },
      END,
    ]);
    expect(read.usage.completionTokens).toBe(4);
  });

  test('that is cut counts what came, or what was reported if that is more', async () => {
    const early = await meterOf([
      usage({ promptTokens: 7, completionTokens: 1 }),
      text('x'.repeat(300)),
      ERROR,
    ]);
    expect(early.read).toMatchObject({
      chargeBasis: 'estimated',
      usage: { promptTokens: 7, completionTokens: 100 },
    });
    const late = await meterOf([
      usage({ promptTokens: 7, completionTokens: 500 }),
      text('x'.repeat(300)),
      ERROR,
    ]);
    expect(late.read).toMatchObject({ chargeBasis: 'estimated', usage: { completionTokens: 500 } });
  });

  test('that was left by its caller has no ending', async () => {
    const { read } = await meterOf([text('abc')]);
    expect(read).toMatchObject({ ending: undefined, chargeBasis: 'estimated' });
  });

  test('is never guessed to cost more than a hard budget set aside', async () => {
    const { read } = await meterOf([text('x'.repeat(30_000)), ERROR], { isHeld: true });
    expect(read.cost.total).toBe(QUOTE.estimate);
    expect(read.cost.prompt + read.cost.completion).toBe(read.cost.total);
  });

  const capped = async (quote: Partial<Quote>, events: ChatEvent[]) =>
    (await meterOf([...events, text('abc'), ERROR], { ...quote, isHeld: true })).read.cost.total;

  test('costs all that was set aside where only the provider can count the prompt, and did not', async () => {
    expect(await capped({ hasUncountedMedia: true }, [])).toBe(QUOTE.estimate);
    expect(await capped({ hasUncountedMedia: true }, [usage({ promptTokens: 7 })])).toBeLessThan(100_000n);
  });

  test.each([
    ['may hold what is not seen', { hasUnseenOutput: true }, []],
    ['holds media', {}, [{ type: 'media-delta', base64: 'AAAA', ...at }]],
  ] satisfies [string, Partial<Quote>, ChatEvent[]][])(
    'costs its prompt as reported and an answer as long as it may be, where the answer %s',
    async (_why, quote, events) => {
      const cost = await capped(quote, [usage({ promptTokens: 7 }), ...events]);
      expect(cost).toBe(7n * 1_000n + 1_000n * 10_000n);
    },
  );
});
