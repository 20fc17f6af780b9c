import fc from 'fast-check';
import type {
  ChatEvent,
  FinishReason,
  MediaKind,
  ReasoningKind,
  ToolCallKind,
} from '../../lambda/domain/chat/event.ts';
import { eventSequence } from './event-arbitrary.ts';

/** Every member of the union, and every kind a member has: a new one that is not here does not compile. */
const MEMBERS = {
  'answer-start': true,
  'text-start': true,
  'text-delta': true,
  'text-citation': true,
  'reasoning-start': true,
  'reasoning-delta': true,
  'tool-call-start': true,
  'tool-call-delta': true,
  'hosted-tool-result': true,
  'media-start': true,
  'media-delta': true,
  'refusal-start': true,
  'refusal-delta': true,
  'block-signature': true,
  'block-end': true,
  usage: true,
  finish: true,
  end: true,
  error: true,
} as const satisfies Record<ChatEvent['type'], true>;

const REASONING_KINDS = { raw: true, summary: true, encrypted: true } as const satisfies Record<
  ReasoningKind,
  true
>;
const TOOL_KINDS = { function: true, custom: true, hosted: true } as const satisfies Record<
  ToolCallKind,
  true
>;
const MEDIA_KINDS = { image: true, audio: true, file: true } as const satisfies Record<MediaKind, true>;
const FINISH_REASONS = {
  stop: true,
  length: true,
  'tool-calls': true,
  'content-filter': true,
  refusal: true,
  pause: true,
  error: true,
} as const satisfies Record<FinishReason, true>;

/** What an answer as a whole can be like. */
const SHAPES = [
  'several choices',
  'blocks that interleave',
  'usage in parts',
  'usage with a cost',
  'logprobs',
] as const;

const labels = (of: string, kinds: Readonly<Record<string, true>>): readonly string[] =>
  Object.keys(kinds).map((kind) => `${of} ${kind}`);

/** All that has to be generated, by the names that the counts have. */
export const TO_BE_COVERED: readonly string[] = [
  ...Object.keys(MEMBERS),
  ...labels('reasoning-start', REASONING_KINDS),
  ...labels('tool-call-start', TOOL_KINDS),
  ...labels('media-start', MEDIA_KINDS),
  ...labels('finish', FINISH_REASONS),
  ...SHAPES,
];

/**
 * How often each member of the union is generated, each kind of those that have kinds, and each shape of an answer.
 * @param sequences how many answers are generated
 */
export function eventCoverage(sequences: number, seed: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>(TO_BE_COVERED.map((label) => [label, 0]));
  const add = (label: string): void => void counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const events of fc.sample(eventSequence, { numRuns: sequences, seed })) {
    for (const event of events) for (const label of labelsOf(event)) add(label);
    for (const shape of shapesOf(events)) add(shape);
  }
  return counts;
}

function labelsOf(event: ChatEvent): readonly string[] {
  switch (event.type) {
    case 'reasoning-start':
    case 'tool-call-start':
    case 'media-start':
      return [event.type, `${event.type} ${event.kind}`];
    case 'finish':
      return [event.type, `${event.type} ${event.reason}`];
    default:
      return [event.type];
  }
}

function shapesOf(events: readonly ChatEvent[]): (typeof SHAPES)[number][] {
  const usages = events.filter((event) => event.type === 'usage');
  const is: Record<(typeof SHAPES)[number], boolean> = {
    'several choices': events.some((event) => 'choice' in event && event.choice > 0),
    'blocks that interleave': isInterleaved(events),
    'usage in parts': usages.length > 1,
    'usage with a cost': usages.some(({ cost }) => cost !== undefined),
    logprobs: events.some((event) => event.type === 'text-delta' && event.logprobs !== undefined),
  };
  return SHAPES.filter((shape) => is[shape]);
}

/** Whether a block begins while another of its choice is open. */
function isInterleaved(events: readonly ChatEvent[]): boolean {
  const open = new Set<string>();
  return events.some((event) => {
    if (!('block' in event)) return false;
    const key = `${event.choice}/${event.block}`;
    if (event.type === 'block-end') open.delete(key);
    else if (!open.has(key) && [...open].some((other) => other.startsWith(`${event.choice}/`))) return true;
    else open.add(key);
    return false;
  });
}
