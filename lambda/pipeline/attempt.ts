import type { Dialect } from '../dialects/dialect.ts';
import { type ChatEvent, type Frame, isContent } from '../domain/chat/event.ts';
import { GatewayError, type UpstreamError } from '../domain/errors.ts';
import type { Usage } from '../domain/money/usage.ts';
import { type UpstreamResponse, UpstreamTransportError } from '../ports/upstream.ts';
import { type CallLimits, limitCall } from './deadline.ts';
import type { Exchange } from './exchange.ts';
import { type AttemptFailure, failureOf, failureOfThrown, upstreamError } from './failure.ts';
import type { Gateway } from './gateway.ts';
import { readBounded, sendWithCredential } from './send.ts';
import { type CallTarget, sentBody, type UpstreamBody } from './upstream-request.ts';

/** An answer whose first content has come (or which is whole): from here on nothing is tried again. */
export interface Committed {
  readonly type: 'committed';
  /** What came before the first content, then the rest. Ends with one terminal event; a broken connection becomes one. */
  readonly frames: AsyncIterable<Frame>;
  readonly limits: CallLimits;
  /** From sending the request. */
  readonly timeToFirstTokenMs: number;
  readonly status: number;
  /** What the provider says its answer is. */
  readonly contentType?: string | undefined;
}

export interface Failed {
  readonly type: 'failed';
  readonly failure: AttemptFailure;
  readonly status: number | undefined;
  /** The provider had the request and may charge for it: we gave up waiting, or lost a whole answer on its way. */
  readonly mayBeBilled: boolean;
  /** What the provider says it counted, all the same. */
  readonly usage?: Usage;
}

/** The caller left while nothing had been answered. */
export interface Abandoned {
  readonly type: 'client-gone';
  readonly mayBeBilled: boolean;
}

export type AttemptOutcome = Committed | Failed | Abandoned;

const MOST_ERROR_BYTES = 65_536;
const MOST_ANSWER_BYTES = 104_857_600;
/** What may come before the first content: role deltas, keep-alives, a message's head. */
const MOST_HELD_CHARACTERS = 1_048_576;

/** Calls one deployment once, until its answer is committed or has failed. */
export async function attempt(
  gateway: Gateway,
  exchange: Exchange,
  target: CallTarget,
  body: UpstreamBody,
): Promise<AttemptOutcome> {
  const { chat } = exchange.request;
  const limits = callLimits(gateway, exchange);
  const sentMs = gateway.clock.monotonicMs();
  let isWholeAnswerOnItsWay = false;
  let hasRefused = false;
  try {
    const response = await sendWithCredential(gateway, target, {
      path: target.api.path(target.deployment.model, chat.stream),
      ...sentBody(body, target.dialect, chat.stream),
      stream: chat.stream,
      signal: limits.signal,
      callerHeaders: exchange.request.headers,
    });
    hasRefused = response.status < 200 || response.status > 299;
    if (hasRefused) return released(limits, await refusal(target, response));
    isWholeAnswerOnItsWay = !chat.stream;
    const committed = chat.stream
      ? await firstContent(target.dialect.decodeStream(response.body), limits)
      : await wholeAnswer(target, response, limits);
    if (committed.type === 'failed') return released(limits, { ...committed, status: response.status });
    const timeToFirstTokenMs = gateway.clock.monotonicMs() - sentMs;
    const contentType = response.headers['content-type'];
    return { ...committed, limits, timeToFirstTokenMs, status: response.status, contentType };
  } catch (thrown) {
    limits.release();
    const cause = limits.cause();
    const wasSent = !hasRefused && mayHaveArrived(thrown);
    if (cause?.type === 'client-gone') return { type: 'client-gone', mayBeBilled: wasSent };
    if (cause === undefined) reportFailure(gateway, exchange, target, thrown);
    const mayBeBilled = (cause?.type === 'timeout' && wasSent) || isWholeAnswerOnItsWay;
    return { type: 'failed', failure: failureOfThrown(thrown, cause), status: undefined, mayBeBilled };
  }
}

/** Whether the provider may know of a call that failed. */
export const mayHaveArrived = (thrown: unknown): boolean =>
  thrown instanceof UpstreamTransportError ? thrown.mayHaveArrived : !(thrown instanceof GatewayError);

function reportFailure(
  gateway: Gateway,
  exchange: Exchange,
  { deployment }: CallTarget,
  thrown: unknown,
): void {
  const what = mayHaveArrived(thrown)
    ? `The call of ${deployment.id} failed.`
    : `There is no way to ${deployment.id}.`;
  gateway.telemetry.problem(what, thrown, { id: exchange.facts.id });
}

function callLimits(gateway: Gateway, exchange: Exchange): CallLimits {
  const { chat, options } = exchange.request;
  const { timeouts } = gateway.config;
  const firstContent = {
    durationMs: options.firstContentTimeoutMs ?? timeouts.firstContentMs,
    isDeploymentsFault: options.firstContentTimeoutMs === undefined,
  };
  return limitCall({
    total: {
      durationMs: exchange.deadlineMs - gateway.clock.now(),
      isDeploymentsFault: options.timeoutMs === undefined && exchange.attempts.length === 0,
    },
    firstContent: chat.stream ? firstContent : undefined,
    timeouts,
    callerSignal: exchange.signal,
  });
}

function released(limits: CallLimits, failed: Failed): Failed {
  limits.release();
  return failed;
}

const failed = (error: UpstreamError): Failed => ({
  type: 'failed',
  failure: failureOf(error),
  status: error.status,
  mayBeBilled: false,
});

async function refusal(target: CallTarget, response: UpstreamResponse): Promise<Failed> {
  const body = await readBounded(response.body, MOST_ERROR_BYTES);
  const decoded = target.dialect.decodeError(response.status, response.headers, body);
  // Who refuses a credential may quote it.
  const error =
    response.status === 401
      ? { ...decoded, message: `${target.enabled.name} refused the gateway's credential.` }
      : decoded;
  return { ...failed(error), status: response.status };
}

type Commit = Pick<Committed, 'type' | 'frames'>;

async function wholeAnswer(
  target: CallTarget,
  response: UpstreamResponse,
  limits: CallLimits,
): Promise<Commit | Failed> {
  const frame = readAnswer(target.dialect, await readBounded(response.body, MOST_ANSWER_BYTES));
  const error = frame.events.find((event) => event.type === 'error');
  if (error !== undefined) {
    const usage = frame.events.findLast((event) => event.type === 'usage')?.usage;
    return { ...failed(error.error), ...(usage !== undefined && { usage }) };
  }
  limits.release();
  return { type: 'committed', frames: only(frame) };
}

/** What is nested so deep that it cannot be written again is no answer to anybody. */
function readAnswer(dialect: Dialect, body: string): Frame {
  try {
    return dialect.decodeAnswer(body);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    const error = upstreamError('upstream_invalid_response', 'The answer is nested too deeply.');
    return { raw: body, events: [{ type: 'error', error }] };
  }
}

async function* only(frame: Frame): AsyncIterable<Frame> {
  yield frame;
}

/** Reads up to the first content; role deltas, keep-alives and empty deltas are not an answer yet. */
async function firstContent(frames: AsyncIterable<Frame>, limits: CallLimits): Promise<Commit | Failed> {
  const iterator = frames[Symbol.asyncIterator]();
  const held: Frame[] = [];
  let heldCharacters = 0;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true)
      return failed(upstreamError('upstream_invalid_response', 'The answer ended early.'));
    held.push(next.value);
    heldCharacters += next.value.raw?.length ?? 0;
    const decisive = next.value.events.find(isDecisive);
    if (decisive === undefined && heldCharacters <= MOST_HELD_CHARACTERS) continue;
    if (decisive === undefined || decisive.type === 'error') {
      await iterator.return?.();
      return failed(decisive?.error ?? MUCH_BUT_NO_CONTENT);
    }
    limits.chunkCame();
    return { type: 'committed', frames: committedFrames(held, iterator, limits) };
  }
}

/** Whether an event tells that there is an answer, or that there will be none. */
const isDecisive = (event: ChatEvent): boolean =>
  isContent(event) || event.type === 'end' || event.type === 'error';

const MUCH_BUT_NO_CONTENT = upstreamError(
  'upstream_invalid_response',
  'The provider sent much, but no content.',
);

async function* committedFrames(
  held: readonly Frame[],
  iterator: AsyncIterator<Frame>,
  limits: CallLimits,
): AsyncGenerator<Frame> {
  let isOver = false;
  try {
    yield* held;
    for (;;) {
      limits.waitForChunk();
      const next = await iterator.next();
      limits.chunkCame();
      if (next.done === true) break;
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
