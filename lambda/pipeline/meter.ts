import type { ChatEvent, FinishReason, Frame } from '../domain/chat/event.ts';
import type { OperationWork } from '../domain/chat/request.ts';
import type { UpstreamError } from '../domain/errors.ts';
import { countTokensLocally } from '../domain/money/bound.ts';
import { type Cost, costOf, NO_COST } from '../domain/money/cost.ts';
import { minUsd, type NanoUsd, nanoUsd } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';
import { mergeUsage, type Usage } from '../domain/money/usage.ts';
import type { ChargeBasis } from '../domain/request-record.ts';
import type { Quote } from './quote.ts';
import { chargedUnits } from './work-bound.ts';

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
  measure(frames: AsyncIterable<Frame>): AsyncIterable<Frame>;
  read(): Metered;
}

/**
 * Counts an answer as it passes. Where the provider reports no usage, tokens are counted from the text that passed and
 * from the prompt's size, and marked as estimated. Such a charge is never above what a hard budget set aside; where the
 * call may have cost what nothing that passed shows (reasoning, media), that part counts at its bound.
 */
export function createMeter(quote: Quote): Meter {
  const { price } = quote;
  let hasMedia = false;
  let usage: Usage | undefined;
  let generatedBytes = 0;
  let finishReason: FinishReason | undefined;
  let upstreamId: string | undefined;
  let ending: Metered['ending'];

  function note(event: ChatEvent): ChatEvent {
    generatedBytes += Buffer.byteLength(generatedText(event));
    hasMedia ||= event.type === 'media-delta';
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
      const complete =
        quote.work === undefined
          ? completeUsage(usage, {
              promptTokens: quote.likelyPromptTokens,
              countedTokens: countTokensLocally(generatedBytes),
              isWhole: ending === 'end',
              isFinished: finishReason !== undefined,
            })
          : completeWork(usage ?? {}, quote, quote.work);
      return {
        usage: complete,
        cost: chargeFor(quote, complete, { isPromptReported: usage?.promptTokens !== undefined, hasMedia }),
        chargeBasis: basisOf(quote, complete),
        finishReason,
        upstreamId,
        ending,
      };
    },
  };
}

function basisOf({ price }: Quote, { estimated }: Usage): ChargeBasis {
  if (price === undefined) return 'unpriced';
  return estimated === true ? 'estimated' : 'exact';
}

interface Seen {
  /** About how many the prompt has. */
  readonly promptTokens: number;
  /** Of the text that passed. */
  readonly countedTokens: number;
  /** The answer came to its proper end, so that its last usage is its whole usage. */
  readonly isWhole: boolean;
  /** The model had come to its end, even if the answer then broke off. */
  readonly isFinished: boolean;
}

/** Fills in what the provider did not say: a stream that was cut has told of its prompt at most. */
function completeUsage(usage: Usage | undefined, seen: Seen): Usage {
  const { countedTokens, isWhole, isFinished } = seen;
  const reported = usage?.completionTokens;
  const completionTokens = isWhole ? (reported ?? countedTokens) : Math.max(reported ?? 0, countedTokens);
  const isReported = usage?.promptTokens !== undefined && reported === completionTokens;
  if (isReported && (isWhole || isFinished)) return usage;
  const promptTokens = usage?.promptTokens ?? seen.promptTokens;
  return { ...usage, promptTokens, completionTokens, estimated: true };
}

/**
 * Fills in what the provider of an operation beside chat did not say. The characters of a text that is spoken and the number
 * of pictures are what was sent; all else is a guess of ours.
 */
function completeWork(reported: Usage, { price, likelyPromptTokens }: Quote, work: OperationWork): Usage {
  const units = price === undefined ? [] : chargedUnits(price);
  // Pictures that are counted in tokens are not paid by the piece as well.
  const isInTokens = reported.completionTokens !== undefined;
  const missing = units.filter((name) => reported[name] === undefined && !(name === 'images' && isInTokens));
  const counts = { ...work.units, ...work.likelyUnits };
  const added = Object.fromEntries(missing.map((name) => [name, counts[name]]));
  const kind = reported.imageKind ?? counts.imageKind;
  const completion = reported.completionTokens ?? work.answer?.likelyTokens ?? 0;
  const tokens: Usage =
    reported.promptTokens !== undefined || isPaidByUnitsOnly(price)
      ? {}
      : {
          promptTokens: likelyPromptTokens,
          completionTokens: completion,
          ...(work.answer?.kind === 'audio' && { completionAudioTokens: completion }),
        };
  const isGuessed = 'promptTokens' in tokens || missing.some((name) => !SENT_UNITS.has(name));
  return {
    ...reported,
    ...added,
    ...tokens,
    ...(kind !== undefined && { imageKind: kind }),
    ...(isGuessed && { estimated: true }),
  };
}

/** What is known from the request alone. */
const SENT_UNITS: ReadonlySet<string> = new Set(['characters', 'images']);

function isPaidByUnitsOnly(price: Price | undefined): boolean {
  if (price === undefined) return false;
  return Object.values(price.standard.rates).every((rate: bigint) => rate === 0n);
}

/**
 * The charge for what was counted. Where a hard budget must hold and the provider did not say all, what only it can count
 * is charged at its bound: the completion, or the prompt with it.
 */
function chargeFor(quote: Quote, usage: Usage, seen: Uncertainty): Cost {
  const { price, bound, estimate, isHeld } = quote;
  if (price === undefined) return NO_COST;
  const cost = costOf(price, usage);
  if (usage.estimated !== true || !isHeld) return cost;
  if (quote.hasUncountedMedia && !seen.isPromptReported) return split(estimate, cost);
  if (!quote.hasUnseenOutput && !seen.hasMedia) return split(minUsd(cost.total, estimate), cost);
  const longest = costOf(price, { ...usage, completionTokens: bound.completionTokens });
  return split(minUsd(longest.total, estimate), longest);
}

interface Uncertainty {
  /** The provider said how long the prompt was. */
  readonly isPromptReported: boolean;
  /** The answer holds sound or pictures. */
  readonly hasMedia: boolean;
}

function split(total: NanoUsd, cost: Cost): Cost {
  const prompt = minUsd(cost.prompt, total);
  return { total, prompt, completion: nanoUsd(total - prompt) };
}

function generatedText(event: ChatEvent): string {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text;
    case 'tool-call-delta':
      return event.arguments;
    default:
      return '';
  }
}
