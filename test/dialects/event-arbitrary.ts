import fc from 'fast-check';
import type { ChatEvent, FinishReason } from '../../lambda/domain/chat/event.ts';
import type { ErrorCode } from '../../lambda/domain/errors.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { Usage } from '../../lambda/domain/money/usage.ts';
import { type Block, block, identifier, isCallForCaller, text, type Unplaced } from './block-arbitrary.ts';
import { optional } from './small-arbitraries.ts';

/**
 * Sequences of events as decoders of any dialect may give them: every member of the union, under the union's rules. Blocks
 * interleave, choices too; text is any text that UTF-8 can say; arguments of functions and hosted tools are JSON objects.
 */

interface Choice {
  readonly blocks: readonly Block[];
  readonly reason: FinishReason;
  readonly upstreamReason: string | undefined;
  readonly stopSequence: string | undefined;
}

/** Reasons that may end a choice: a call that waits for the caller is never passed over as a plain stop. */
const WITH_CALLS = ['tool-calls', 'tool-calls', 'tool-calls', 'length', 'content-filter', 'error'] as const;
const WITHOUT_CALLS = [
  'stop',
  'stop',
  'stop',
  'length',
  'content-filter',
  'refusal',
  'pause',
  'error',
] as const;

const choice: fc.Arbitrary<Choice> = fc.array(block, { maxLength: 4 }).chain((blocks) =>
  fc
    .record({
      blocks: fc.constant(blocks),
      reason: fc.constantFrom<FinishReason[]>(...(blocks.some(isCallForCaller) ? WITH_CALLS : WITHOUT_CALLS)),
      upstreamReason: fc.option(fc.constantFrom('STOP', 'end_turn', 'eos', 'weird'), { nil: undefined }),
      stopSequence: fc.option(text, { nil: undefined }),
    })
    .map((made) => ({ ...made, stopSequence: made.reason === 'stop' ? made.stopSequence : undefined })),
);

const count = fc.nat({ max: 5000 });

/** Parts are never larger than their whole. */
const usageEvent: fc.Arbitrary<UsageEvent> = fc
  .record({
    plainPrompt: optional(count),
    cacheReadTokens: optional(count),
    cacheWriteTokens: optional(count),
    plainCompletion: optional(count),
    reasoningTokens: optional(count),
    webSearchRequests: optional(fc.nat({ max: 9 })),
    cost: optional(fc.integer({ min: 0, max: 10_000_000 })),
  })
  .map(({ plainPrompt, plainCompletion, cost, ...parts }) => {
    const sum = (...counts: readonly (number | undefined)[]): number =>
      counts.reduce<number>((total, part) => total + (part ?? 0), 0);
    const wholes = {
      promptTokens:
        plainPrompt === undefined
          ? undefined
          : sum(plainPrompt, parts.cacheReadTokens, parts.cacheWriteTokens),
      completionTokens:
        plainCompletion === undefined ? undefined : sum(plainCompletion, parts.reasoningTokens),
    };
    // JSON leaves out exactly the members that were not reported.
    const usage: Usage = JSON.parse(JSON.stringify({ ...parts, ...wholes }));
    if (cost === undefined) return { type: 'usage', usage };
    const total = nanoUsd(BigInt(cost));
    return { type: 'usage', usage, cost: { total, prompt: total, completion: nanoUsd(0n) } };
  });

type UsageEvent = Extract<ChatEvent, { readonly type: 'usage' }>;

/** What one answer reports: nothing, its usage, or first a part of it, from which nothing is taken back. */
const usageReports: fc.Arbitrary<readonly UsageEvent[]> = fc.option(
  fc.tuple(usageEvent, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 })).map(
    // The counts of the answer grow until its end; those of the prompt are known from the beginning.
    ([last, shares]) => [...shares.sort().map((share) => earlierUsage(last.usage, share)), last],
  ),
  { nil: [], freq: 6 },
);

function earlierUsage(
  { completionTokens, reasoningTokens: _reasoningTokens, ...known }: Usage,
  share: number,
): UsageEvent {
  if (completionTokens === undefined) return { type: 'usage', usage: known };
  return { type: 'usage', usage: { ...known, completionTokens: Math.floor(completionTokens * share) } };
}

const ERROR_CODES: readonly ErrorCode[] = [
  'upstream_error',
  'upstream_overloaded',
  'upstream_invalid_response',
  'rate_limit_exceeded',
  'context_length_exceeded',
  'content_policy_violation',
  'upstream_timeout',
];

const errorEvent: fc.Arbitrary<ChatEvent> = fc
  .record({
    code: fc.constantFrom(...ERROR_CODES),
    status: fc.constantFrom(undefined, 429, 503),
    message: text,
    providerCode: optional(identifier),
    retryAfterSeconds: optional(fc.nat({ max: 60 })),
  })
  .map((error) => ({ type: 'error', error }));

const answerStart: fc.Arbitrary<ChatEvent> = fc
  .record({
    upstreamId: optional(identifier),
    upstreamModel: optional(identifier),
    createdAtSeconds: optional(fc.integer({ min: 1, max: 2_000_000_000 })),
  })
  .map((start) => ({ type: 'answer-start', ...start }));

/** Whole answers: they end with `end`, and each of their choices finishes. */
export const wholeAnswer: fc.Arbitrary<readonly ChatEvent[]> = fc
  .record({
    start: answerStart,
    choices: fc.oneof(
      { arbitrary: fc.array(choice, { minLength: 1, maxLength: 1 }), weight: 3 },
      fc.array(choice, { minLength: 2, maxLength: 3 }),
    ),
    turns: fc.array(fc.nat({ max: 1000 }), { maxLength: 60 }),
    usages: usageReports,
    places: fc.array(fc.nat({ max: 1000 }), { minLength: 3, maxLength: 3 }),
  })
  .map(({ start, choices, turns, usages, places }) => {
    const events = interleave(choices.map(withUniqueIds), turns);
    const descending = places.map((place) => place % (events.length + 1)).sort((a, b) => b - a);
    for (const [nth, usage] of [...usages].reverse().entries()) events.splice(descending[nth] ?? 0, 0, usage);
    return [start, ...events, { type: 'end' }];
  });

/** Answers that fail: before they began, or after any of their events. */
export const failedAnswer: fc.Arbitrary<readonly ChatEvent[]> = fc
  .tuple(wholeAnswer, fc.nat({ max: 1000 }), errorEvent)
  .map(([events, at, error]) => [...events.slice(0, at % events.length), error]);

/** Any sequence of events that keeps the rules. */
export const eventSequence: fc.Arbitrary<readonly ChatEvent[]> = fc.oneof(
  { arbitrary: wholeAnswer, weight: 5 },
  failedAnswer,
);

function withUniqueIds(made: Choice, choiceIndex: number): Choice {
  const blocks = made.blocks.map((events, blockIndex) =>
    events.map((event) =>
      event.type === 'tool-call-start' ? { ...event, id: `${event.id}-${choiceIndex}-${blockIndex}` } : event,
    ),
  );
  return { ...made, blocks };
}

/** What is left to say of one choice: its open blocks, and those that have not begun. */
class Speaker {
  readonly #choice: number;
  readonly #waiting: Block[];
  readonly #open: { readonly block: number; readonly rest: Unplaced[] }[] = [];
  readonly #finish: ChatEvent;
  #begun = 0;
  #isFinished = false;

  constructor(choiceIndex: number, made: Choice) {
    this.#choice = choiceIndex;
    this.#waiting = [...made.blocks];
    const { reason, upstreamReason, stopSequence } = made;
    this.#finish = {
      type: 'finish',
      choice: choiceIndex,
      reason,
      upstreamReason,
      ...(stopSequence !== undefined && { stopSequence }),
    };
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** The next event; `turn` decides which of the blocks speaks, and whether another begins. */
  next(turn: number): ChatEvent {
    const speakers = this.#open.length + (this.#waiting.length > 0 ? 1 : 0);
    if (speakers === 0) {
      this.#isFinished = true;
      return this.#finish;
    }
    const speaker = this.#open[turn % speakers] ?? this.#begin();
    const event = speaker.rest.shift();
    if (speaker.rest.length === 0) this.#open.splice(this.#open.indexOf(speaker), 1);
    // Every block ends with its `block-end`, so there is always an event; with an address it is a whole one.
    return { ...event, choice: this.#choice, block: speaker.block } as ChatEvent;
  }

  #begin(): { readonly block: number; readonly rest: Unplaced[] } {
    const speaker = { block: this.#begun, rest: [...(this.#waiting.shift() ?? [])] };
    this.#begun += 1;
    this.#open.push(speaker);
    return speaker;
  }
}

/** All events of all choices; where the drawn turns are used up, one block follows the other. */
function interleave(choices: readonly Choice[], turns: readonly number[]): ChatEvent[] {
  const speakers = choices.map((made, index) => new Speaker(index, made));
  const events: ChatEvent[] = [];
  for (let at = 0; ; at += 1) {
    const speaking = speakers.filter(({ isFinished }) => !isFinished);
    const turn = turns[at] ?? 0;
    const speaker = speaking[turn % Math.max(1, speaking.length)];
    if (speaker === undefined) return events;
    events.push(speaker.next(Math.floor(turn / speaking.length)));
  }
}
