import type { ChatEvent, FinishReason, Frame } from '../domain/chat/event.ts';
import type { UpstreamError } from '../domain/errors.ts';
import { countTokensLocally } from '../domain/money/bound.ts';
import { type Cost, costOf, NO_COST } from '../domain/money/cost.ts';
import type { Price } from '../domain/money/price.ts';
import { mergeUsage, type Usage } from '../domain/money/usage.ts';
import type { ChargeBasis } from '../domain/request-record.ts';

/** What was seen of one answer while it passed. */
export interface Metered {
  readonly usage: Usage;
  readonly cost: Cost;
  readonly chargeBasis: ChargeBasis;
  readonly finishReason: FinishReason | undefined;
  readonly upstreamId: string | undefined;
  /** How it ended; `undefined` while it has not, or when the caller left before it did. */
  readonly ending: 'end' | UpstreamError | undefined;
}

export interface Meter {
  /** Passes an answer through, noting what it costs and writing the cost into its usage. */
  measure(frames: AsyncIterable<Frame>): AsyncGenerator<Frame>;
  read(): Metered;
}

/**
 * Counts an answer as it passes. Where the provider reports no usage, tokens are counted from the text that passed and
 * from the prompt's size, and marked as estimated.
 *
 * @param price `undefined`: unknown; the answer then counts, but costs nothing we could name
 */
export function createMeter(price: Price | undefined, promptBytes: number): Meter {
  let usage: Usage | undefined;
  let generatedCharacters = 0;
  let finishReason: FinishReason | undefined;
  let upstreamId: string | undefined;
  let ending: Metered['ending'];

  function note(event: ChatEvent): ChatEvent {
    generatedCharacters += generatedLength(event);
    switch (event.type) {
      case 'answer-start':
        upstreamId = event.upstreamId;
        return event;
      case 'usage': {
        usage = mergeUsage(usage, event.usage);
        return price === undefined ? { ...event, usage } : { ...event, usage, cost: costOf(price, usage) };
      }
      case 'finish':
        finishReason ??= event.reason;
        return event;
      case 'end':
        ending ??= 'end';
        return event;
      case 'error':
        ending ??= event.error;
        return event;
      default:
        return event;
    }
  }

  return {
    async *measure(frames) {
      for await (const frame of frames) yield { raw: frame.raw, events: frame.events.map(note) };
    },
    read() {
      const complete = completeUsage(usage, { promptBytes, generatedCharacters, isWhole: ending === 'end' });
      return {
        usage: complete,
        cost: price === undefined ? NO_COST : costOf(price, complete),
        chargeBasis: complete.estimated === true ? 'estimated' : 'exact',
        finishReason,
        upstreamId,
        ending,
      };
    },
  };
}

interface Seen {
  readonly promptBytes: number;
  readonly generatedCharacters: number;
  /** The answer came to its proper end, so that its last usage is its whole usage. */
  readonly isWhole: boolean;
}

/** Fills in what the provider did not say: a stream that was cut has told of its prompt at most. */
function completeUsage(usage: Usage | undefined, seen: Seen): Usage {
  const counted = countTokensLocally(seen.generatedCharacters);
  const reported = usage?.completionTokens;
  const completionTokens = seen.isWhole ? (reported ?? counted) : Math.max(reported ?? 0, counted);
  const isReported = usage?.promptTokens !== undefined && reported === completionTokens;
  if (isReported) return usage;
  const promptTokens = usage?.promptTokens ?? countTokensLocally(seen.promptBytes);
  return { ...usage, promptTokens, completionTokens, estimated: true };
}

function generatedLength(event: ChatEvent): number {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text.length;
    case 'tool-call-delta':
      return event.arguments.length;
    default:
      return 0;
  }
}
