import type { AnswerEnvelope, Dialect } from '../../lambda/dialects/dialect.ts';
import type { ChatEvent, Frame } from '../../lambda/domain/chat/event.ts';
import { brokenRules } from '../../test/dialects/event-rules.ts';
import { FUZZED_DIALECTS } from './dialects.ts';
import { inRandomChunks, mutateStream } from './mutate-stream.ts';
import { type Random, randomOf } from './random.ts';
import { recordedStreams } from './recordings.ts';

/** What became of the streams of one dialect. */
export interface StreamCounts {
  streams: number;
  endedWell: number;
  endedInError: number;
  readonly failures: string[];
}

/** How long one stream may take, encoders included, before it counts as a hang. */
const MAX_CASE_MS = 5_000;

/**
 * Sends mutated recordings through their own decoder, and what it makes of them through every dialect's encoder and back:
 * each stream must keep the rules of `ChatEvent`, end with exactly one terminal event, and throw nothing.
 * @param options the same seed gives the same streams; `onCase` hears the number of each before it begins
 */
export async function fuzzStreams(options: {
  readonly streams: number;
  readonly seed: number;
  /** Each stream goes to one caller's format of so many, in turn; left out: to all. */
  readonly oneCallerIn?: number;
  readonly onCase?: (number: number) => void;
}): Promise<ReadonlyMap<string, StreamCounts>> {
  const sources = FUZZED_DIALECTS.map((dialect) => ({ dialect, streams: recordedStreams(dialect.id) }));
  const counts = new Map<string, StreamCounts>(
    FUZZED_DIALECTS.map(({ id }) => [id, { streams: 0, endedWell: 0, endedInError: 0, failures: [] }]),
  );
  const all = sources.flatMap(({ streams }) => streams);
  for (let number = 0; number < options.streams; number += 1) {
    options.onCase?.(number);
    const random = randomOf(options.seed * 1_000_003 + number);
    const { dialect, streams } = sources[number % sources.length] ?? {};
    const stream = streams && random.pick(streams);
    const other = random.pick(all);
    const count = dialect && counts.get(dialect.id);
    if (dialect === undefined || stream === undefined || other === undefined || count === undefined) continue;
    const { mutation, bytes } = mutateStream(stream, random, other);
    const { oneCallerIn = 1 } = options;
    const callers = FUZZED_DIALECTS.filter((_caller, index) => (number + index) % oneCallerIn === 0);
    const outcome = await outcomeOf(dialect, bytes, { random, callers });
    count.streams += 1;
    if (outcome === 'end') count.endedWell += 1;
    else if (outcome === 'error') count.endedInError += 1;
    else count.failures.push(`case ${number} (${mutation}): ${outcome}`);
  }
  return counts;
}

const envelopeFrom = (upstream: Dialect): AnswerEnvelope => ({
  id: 'gen-1',
  model: 'p/m',
  createdAtSeconds: 1,
  includeUsage: true,
  upstreamDialect: upstream.id,
});

/** `end` or `error` as the stream ended; anything else is what went wrong. */
async function outcomeOf(
  dialect: Dialect,
  bytes: Uint8Array,
  { random, callers }: { readonly random: Random; readonly callers: readonly Dialect[] },
): Promise<string> {
  const startedAtMs = performance.now();
  try {
    const frames = await framesOf(dialect, inRandomChunks(bytes, random));
    const events = frames.flatMap((frame) => frame.events);
    const [broken] = brokenRules(events);
    if (broken !== undefined) return `decoded: ${broken}`;
    const envelope = envelopeFrom(dialect);
    for (const frame of frames) dialect.patchFrame(frame, envelope);
    for (const caller of callers) {
      const wrong = await encodedWrongly(caller, events, { envelope, random });
      if (wrong !== undefined) return `encoded in ${caller.id}: ${wrong}`;
    }
    const took = performance.now() - startedAtMs;
    return took > MAX_CASE_MS ? `took ${Math.round(took)} ms` : (events.at(-1)?.type ?? 'no events');
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

async function framesOf(dialect: Dialect, bytes: AsyncIterable<Uint8Array>): Promise<readonly Frame[]> {
  return Array.fromAsync(dialect.decodeStream(bytes));
}

/** A caller reads what we write with this format's own reader, and an error must stay one. */
async function encodedWrongly(
  caller: Dialect,
  events: readonly ChatEvent[],
  { envelope, random }: { readonly envelope: AnswerEnvelope; readonly random: Random },
): Promise<string | undefined> {
  const encoder = caller.createStreamEncoder(envelope);
  const text = events.map((event) => encoder.encode(event)).join('');
  const bytes = Buffer.from(text, caller.streamEncoding);
  const read = (await framesOf(caller, inRandomChunks(bytes, random))).flatMap((frame) => frame.events);
  const [broken] = brokenRules(read);
  if (broken !== undefined) return broken;
  const isError = events.at(-1)?.type === 'error';
  return isError && read.at(-1)?.type !== 'error' ? 'an error ends like an answer' : undefined;
}
