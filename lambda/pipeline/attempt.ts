import type { Frame } from '../domain/chat/event.ts';
import { isContent } from '../domain/chat/event.ts';
import type { UpstreamError } from '../domain/errors.ts';
import type { SendUpstream, UpstreamResponse } from '../ports/upstream.ts';
import type { Provider } from '../providers/contract.ts';
import { type CallLimits, limitCall } from './deadline.ts';
import type { Exchange } from './exchange.ts';
import { type AttemptFailure, failureOf, failureOfThrown, upstreamError } from './failure.ts';
import type { Gateway } from './gateway.ts';
import { type CallTarget, upstreamRequest } from './upstream-request.ts';

/** An answer whose first content has come (or which is whole): from here on nothing is tried again. */
export interface Committed {
  readonly type: 'committed';
  /** What came before the first content, then the rest. Ends with one terminal event; a broken connection becomes one. */
  readonly frames: AsyncIterable<Frame>;
  readonly limits: CallLimits;
  /** From sending the request. */
  readonly timeToFirstTokenMs: number;
  readonly status: number;
}

export interface Failed {
  readonly type: 'failed';
  readonly failure: AttemptFailure;
  readonly status: number | undefined;
}

/** The caller left while nothing had been answered. */
export interface Abandoned {
  readonly type: 'client-gone';
}

const MOST_ERROR_BYTES = 65_536;
const MOST_ANSWER_BYTES = 104_857_600;
const DECODER = new TextDecoder();

/** Calls one deployment once, until its answer is committed or has failed. */
export async function attempt(
  gateway: Gateway,
  exchange: Exchange,
  target: CallTarget,
  body: string,
): Promise<Committed | Failed | Abandoned> {
  const { chat, options } = exchange.request;
  const { timeouts } = gateway.config;
  const limits = limitCall({
    leftMs: exchange.deadlineMs - gateway.clock.now(),
    firstContentMs: chat.stream ? (options.firstContentTimeoutMs ?? timeouts.firstContentMs) : undefined,
    timeouts,
    callerSignal: exchange.signal,
  });
  const sentMs = gateway.clock.monotonicMs();
  try {
    const response = await sendWithCredential(gateway, exchange, target, body, limits.signal);
    if (response.type === 'failed') return released(limits, response);
    if (response.status < 200 || response.status > 299)
      return released(limits, await refusal(target, response));
    const committed = chat.stream
      ? await firstContent(target.dialect.decodeStream(response.body), limits)
      : await wholeAnswer(target, response, limits);
    if (committed.type === 'failed') return released(limits, { ...committed, status: response.status });
    const timeToFirstTokenMs = gateway.clock.monotonicMs() - sentMs;
    return { ...committed, limits, timeToFirstTokenMs, status: response.status };
  } catch (thrown) {
    limits.release();
    const cause = limits.cause();
    if (cause?.type === 'client-gone') return { type: 'client-gone' };
    return { type: 'failed', failure: failureOfThrown(thrown, cause), status: undefined };
  }
}

function released(limits: CallLimits, failed: Failed): Failed {
  limits.release();
  return failed;
}

type Answered = UpstreamResponse & { readonly type: 'answered' };

/** Sends; where the provider refuses the credential, once more with one that was read again (it may have been rotated). */
async function sendWithCredential(
  gateway: Gateway,
  exchange: Exchange,
  target: CallTarget,
  body: string,
  signal: AbortSignal,
): Promise<Answered | Failed> {
  const { provider, name } = target.enabled;
  const credential = await gateway.credentials.get(target.deployment.provider);
  if (credential === undefined && needsCredential(provider))
    return failed(
      upstreamError('upstream_authentication_failed', `No credential is configured for ${name}.`),
    );
  const send = (using: string | undefined): ReturnType<SendUpstream> =>
    gateway.send(
      upstreamRequest(gateway, target, {
        body,
        credential: using,
        signal,
        stream: exchange.request.chat.stream,
        callerHeaders: exchange.request.headers,
      }),
    );
  const response = await send(credential);
  if (response.status !== 401 || credential === undefined) return { ...response, type: 'answered' };
  const renewed = await gateway.credentials.get(target.deployment.provider, { refused: credential });
  if (renewed === undefined || renewed === credential) return { ...response, type: 'answered' };
  await readBounded(response.body, MOST_ERROR_BYTES);
  return { ...(await send(renewed)), type: 'answered' };
}

const needsCredential = (provider: Provider): boolean =>
  provider.credentialVariable !== undefined && provider.credentialIsOptional !== true;

const failed = (error: UpstreamError): Failed => ({
  type: 'failed',
  failure: failureOf(error),
  status: error.status,
});

async function refusal(target: CallTarget, response: UpstreamResponse): Promise<Failed> {
  const body = await readBounded(response.body, MOST_ERROR_BYTES);
  const error = target.dialect.decodeError(response.status, response.headers, body);
  return { ...failed(error), status: response.status };
}

type Commit = Pick<Committed, 'type' | 'frames'>;

async function wholeAnswer(
  target: CallTarget,
  response: UpstreamResponse,
  limits: CallLimits,
): Promise<Commit | Failed> {
  const frame = target.dialect.decodeAnswer(await readBounded(response.body, MOST_ANSWER_BYTES));
  const error = frame.events.find((event) => event.type === 'error');
  if (error !== undefined) return failed(error.error);
  limits.release();
  return { type: 'committed', frames: only(frame) };
}

async function* only(frame: Frame): AsyncIterable<Frame> {
  yield frame;
}

/** Reads up to the first content; role deltas, keep-alives and empty deltas are not an answer yet. */
async function firstContent(frames: AsyncIterable<Frame>, limits: CallLimits): Promise<Commit | Failed> {
  const iterator = frames[Symbol.asyncIterator]();
  const held: Frame[] = [];
  for (;;) {
    const next = await iterator.next();
    if (next.done === true)
      return failed(upstreamError('upstream_invalid_response', 'The answer ended early.'));
    held.push(next.value);
    for (const event of next.value.events) {
      if (event.type === 'error') {
        await iterator.return?.();
        return failed(event.error);
      }
      if (!isContent(event) && event.type !== 'end') continue;
      limits.startIdleTimer();
      return { type: 'committed', frames: committedFrames(held, iterator, limits) };
    }
  }
}

async function* committedFrames(
  held: readonly Frame[],
  iterator: AsyncIterator<Frame>,
  limits: CallLimits,
): AsyncGenerator<Frame> {
  let isOver = false;
  try {
    yield* held;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) break;
      limits.touch();
      yield next.value;
    }
    isOver = true;
  } catch (thrown) {
    isOver = true;
    const cause = limits.cause();
    if (cause?.type !== 'client-gone')
      yield { raw: undefined, events: [{ type: 'error', error: failureOfThrown(thrown, cause).error }] };
  } finally {
    if (!isOver) limits.abandon();
    limits.release();
    await iterator.return?.();
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > mostBytes) break;
  }
  return DECODER.decode(Buffer.concat(chunks).subarray(0, mostBytes));
}
