import type { AnswerEnvelope, Dialect } from '../dialects/dialect.ts';
import { CustomCallReader, customToolNames } from '../domain/chat/custom-tools.ts';
import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import { asGatewayError, type GatewayError } from '../domain/errors.ts';
import { decimalUsd } from '../domain/money/nano.ts';
import type { RequestOutcome } from '../domain/request-record.ts';
import type { Answer } from './call.ts';
import type { Exchange } from './exchange.ts';
import { asCallerError } from './failure.ts';
import { withKeepAlive } from './keep-alive.ts';
import type { Replay } from './reuse.ts';
import { lacksCustomTools } from './upstream-request.ts';

/** A stream's text as its bytes. */
export const streamBytes = (text: string, { streamEncoding }: Dialect): Uint8Array =>
  Buffer.from(text, streamEncoding);

/** The answer's name towards the caller. */
function envelopeOf(
  exchange: Exchange,
  { target, replay }: Pick<Answer, 'target' | 'replay'>,
): AnswerEnvelope {
  // Under its Idempotency-Key an answer is given again as it was, name and all.
  const first = replay?.how === 'idempotency' ? replay.answer : undefined;
  const startedAtMs = first?.startedAtMs ?? exchange.facts.startedAtMs;
  const { includeUsage, namespacedTools } = exchange.request.chat;
  return {
    id: first?.requestId ?? exchange.facts.id,
    model: target.deployment.id,
    createdAtSeconds: Math.floor(startedAtMs / 1_000),
    includeUsage,
    upstreamDialect: target.dialect.id,
    ...(namespacedTools !== undefined && { namespacedTools }),
    request: exchange.request.chat,
  };
}

type EncodedAnswer = Pick<Answer, 'target' | 'replay' | 'isCountedHere'>;

/** What an answer is: as its provider says where that may differ, else as its format has it. */
export function contentTypeOf(
  { request: { dialect, chat } }: Exchange,
  { target, committed }: Pick<Answer, 'target' | 'committed'>,
): string {
  const asked = dialect.answerContentType?.(chat);
  if (asked === undefined) return chat.stream ? dialect.streamContentType : 'application/json';
  return target.isSameDialect ? (committed.contentType ?? asked) : asked;
}

/** Events as the caller's dialect gets them: calls of tools that went out as functions are calls of custom tools again. */
function eventReader(
  { request }: Exchange,
  { target }: EncodedAnswer,
): (event: ChatEvent) => readonly ChatEvent[] {
  const names = lacksCustomTools(target.dialect) ? customToolNames(request.chat) : new Set<string>();
  if (names.size === 0) return (event) => [event];
  const reader = new CustomCallReader(names);
  return (event) => reader.read(event);
}

/** A whole answer in the caller's dialect. @throws GatewayError where it cannot be said there */
export async function encodeWhole(
  exchange: Exchange,
  answer: EncodedAnswer,
  frames: AsyncIterable<Frame>,
): Promise<string> {
  const { dialect } = exchange.request;
  const envelope = envelopeOf(exchange, answer);
  const all: Frame[] = [];
  for await (const frame of frames) all.push(frame);
  const read = eventReader(exchange, answer);
  const events = all.flatMap((frame) => frame.events).flatMap(read);
  const [frame] = all;
  return answer.target.isSameDialect && frame !== undefined
    ? dialect.patchAnswer(frame, envelope)
    : dialect.encodeAnswer(events, envelope);
}

/**
 * A streamed answer in the caller's dialect: chunks of the same dialect as they came, others event by event. Whatever
 * happens, it ends with the dialect's normal end or one error event, and does not throw.
 *
 * @param options how often an idle stream says that it lives, who keeps the whole answer before its end is seen, and who
 *   hears of an error that is ours
 */
export async function* encodeStream(
  exchange: Exchange,
  answer: EncodedAnswer,
  frames: AsyncIterable<Frame>,
  options: {
    readonly keepAliveMs: number;
    readonly store?: (shown: string) => Promise<void>;
    readonly onFailure: (error: unknown) => void;
  },
): AsyncGenerator<Uint8Array> {
  const { dialect } = exchange.request;
  const { write, failure } = streamWriter(exchange, answer);
  try {
    for await (const item of withKeepAlive(frames, options.keepAliveMs)) {
      const error = item === 'idle' ? undefined : item.events.find(isError);
      if (error !== undefined) {
        yield failure(asCallerError(error.error, exchange.attempts));
        return;
      }
      const text = item === 'idle' ? dialect.keepAlive : write(item);
      if (options.store !== undefined) await storeWhole(dialect, text, options.store);
      if (text !== '') yield streamBytes(text, dialect);
    }
  } catch (thrown) {
    options.onFailure(thrown);
    yield failure(asGatewayError(thrown));
  }
}

/** Keeps the answer if this is the chunk that holds the whole of it. */
async function storeWhole(
  { storage }: Dialect,
  chunk: string,
  store: (shown: string) => Promise<void>,
): Promise<void> {
  const shown = storage?.answerIn(chunk);
  if (shown !== undefined) await store(shown);
}

/** Writes a stream's frames, and its failure, for the caller. */
function streamWriter(
  exchange: Exchange,
  answer: EncodedAnswer,
): { readonly write: (frame: Frame) => string; readonly failure: (error: GatewayError) => Uint8Array } {
  const { dialect } = exchange.request;
  const envelope = envelopeOf(exchange, answer);
  const lateError = (error: GatewayError): Uint8Array => encodeLateError(dialect, error, envelope);
  // Also where the decoder found the end by itself: its events were all told in what passed as it came.
  if (answer.target.isSameDialect)
    return { write: (frame) => dialect.patchFrame(frame, envelope), failure: lateError };
  const encoder = dialect.createStreamEncoder(envelope);
  const read = eventReader(exchange, answer);
  return {
    write: ({ events }) =>
      events
        .flatMap(read)
        .map((event) => encoder.encode(event))
        .join(''),
    failure: (error) =>
      encoder.fail === undefined ? lateError(error) : streamBytes(encoder.fail(error), dialect),
  };
}

const isError = (event: ChatEvent): event is Extract<ChatEvent, { type: 'error' }> => event.type === 'error';

/** An error as one event of a stream that has begun. */
const encodeLateError = (dialect: Dialect, error: GatewayError, envelope: AnswerEnvelope): Uint8Array =>
  streamBytes(dialect.encodeStreamError(error, envelope), dialect);

/** Headers that say who answered, as far as it is known when headers go out. */
export function answerHeaders(
  exchange: Exchange,
  { target, replay, isCountedHere }: EncodedAnswer,
  nowMs: number,
): Record<string, string> {
  const { deployment } = target;
  const dropped = replay === undefined ? exchange.dropped : (replay.answer.dropped ?? []);
  return {
    ...(replay === undefined
      ? { 'x-sluice-cache': exchange.reuse.isMiss === true ? 'miss' : 'bypass' }
      : replayHeaders(replay, nowMs)),
    'x-sluice-provider': deployment.provider,
    'x-sluice-model': headerText(deployment.model),
    'x-sluice-deployment': headerText(deployment.id),
    ...(isCountedHere === true && { 'x-sluice-token-count': 'estimated' }),
    'x-sluice-attempts': String(exchange.attempts.length),
    ...(dropped.length > 0 && { 'x-sluice-dropped': headerList(dropped) }),
  };
}

function replayHeaders({ how, answer, similarity }: Replay, nowMs: number): Record<string, string> {
  if (how === 'idempotency') return { 'x-sluice-cache': 'bypass', 'x-sluice-idempotent-replayed': 'true' };
  const ageSeconds = Math.max(0, Math.floor((nowMs - answer.keptAtMs) / 1_000));
  return {
    'x-sluice-cache': 'hit',
    ...(similarity !== undefined && { 'x-sluice-cache-similarity': flooredText(similarity) }),
    age: String(ageSeconds),
  };
}

/** Never shown nearer than it is. */
const flooredText = (similarity: number): string => String(Math.floor(similarity * 10_000) / 10_000);

/** What the answer is charged, where its price is known. */
export const costHeader = ({ cost, priceVersion }: RequestOutcome): Record<string, string> =>
  priceVersion === undefined ? {} : { 'x-sluice-cost-usd': decimalUsd(cost) };

/** Names from a caller's body, fit for a header. */
const headerList = (names: readonly string[]): string =>
  names
    .map((name) => headerText(name.slice(0, 100)))
    .slice(0, 50)
    .join(', ');

/** Text that a caller wrote, fit for a header: what is no plain ASCII is percent-encoded. */
const headerText = (text: string): string =>
  text.replaceAll(/[^\x21-\x7e]+/g, (other) =>
    [...Buffer.from(other)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
