import type { AnswerEnvelope, Dialect } from '../dialects/dialect.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import type { Scope } from '../domain/money/budget.ts';
import { type BudgetState, leftOf } from '../domain/money/budget-state.ts';
import { decimalUsd } from '../domain/money/nano.ts';
import type { RequestOutcome } from '../domain/request-record.ts';
import type { Answer, CallOutcome } from './call.ts';
import {
  answerHeaders,
  contentTypeOf,
  costHeader,
  encodeStream,
  encodeWhole,
  streamBytes,
} from './encode.ts';
import type { Exchange, OutgoingResponse } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { type EndedAnswer, keepAnswer, keepsAnswer } from './keep-answer.ts';
import { createMeter, type Meter } from './meter.ts';
import { rateLimitHeaders } from './rate-headers.ts';
import { record } from './record.ts';
import { tightest } from './remainder-cache.ts';
import { createReplayMeter } from './replay.ts';
import { noteAnswer, outcomeOfAnswer, outcomeWithoutAnswer, settle } from './settle.ts';
import { isStored, storeAnswer } from './stored-answer.ts';
import { createTranscript, type Transcript } from './transcript.ts';
import { sentOutputBound } from './upstream-request.ts';

const ENCODER = new TextEncoder();

/** Answers with one body, once all of it is there. */
export async function respondWhole(
  gateway: Gateway,
  exchange: Exchange,
  calling: Promise<CallOutcome>,
): Promise<OutgoingResponse> {
  const outcome = await calling;
  if (outcome.type === 'client-gone') return respondToNobody(gateway, exchange);
  const meter = meterFor(exchange, outcome);
  try {
    const frames = meter.measure(outcome.committed.frames);
    const text = await encodeWhole(exchange, outcome, frames);
    if (isStored(exchange, outcome)) await storeAnswer(gateway, exchange, outcome, text);
    const settled = outcomeOfAnswer(gateway, exchange, outcome, meter.read());
    return {
      status: 200,
      headers: {
        'content-type': contentTypeOf(exchange, outcome),
        ...commonHeaders(gateway, exchange, outcome),
        ...costHeader(settled),
      },
      body: once(text),
      afterEnd: () => finishAnswer(gateway, exchange, { answer: outcome, meter, settled }),
    };
  } catch (thrown) {
    const error = reported(gateway, exchange, thrown);
    const settled = { ...outcomeOfAnswer(gateway, exchange, outcome, meter.read()), outcome: error.code };
    return {
      ...respondError(exchange.request.dialect, error, exchange.facts.id),
      afterEnd: () => finishAnswer(gateway, exchange, { answer: outcome, meter, settled }),
    };
  }
}

/** Answers with a stream, from the first content on, or from the moment the silence has lasted too long. */
export async function respondStream(
  gateway: Gateway,
  exchange: Exchange,
  calling: Promise<CallOutcome>,
): Promise<OutgoingResponse> {
  // A format without a sign of life gains nothing from an open stream, and would lose the status of a late failure.
  const outcome =
    exchange.request.dialect.keepAlive === ''
      ? await calling
      : await Promise.race([calling, silence(gateway.pacing.silenceMs, calling)]);
  if (outcome === 'silent') return respondAfterSilence(gateway, exchange, calling);
  if (outcome.type === 'client-gone') return respondToNobody(gateway, exchange);
  const meter = meterFor(exchange, outcome);
  return {
    status: 200,
    headers: {
      ...streamHeaders(contentTypeOf(exchange, outcome)),
      ...commonHeaders(gateway, exchange, outcome),
    },
    body: streamOf(gateway, exchange, outcome, meter),
    afterEnd: () => finishStream(gateway, exchange, outcome, meter),
  };
}

/** An error before the first byte, in the caller's dialect. */
export function respondError(dialect: Dialect, error: GatewayError, requestId: string): OutgoingResponse {
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'x-should-retry': String(error.retryable),
      ...(error.retryAfterSeconds !== undefined && {
        'retry-after': String(Math.ceil(error.retryAfterSeconds)),
      }),
      ...dialect.errorHeaders?.(error),
    },
    body: once(dialect.encodeError(error, requestId)),
  };
}

/** Settles, keeps the answer if there is one, and records: the end of every request for which money was reserved. */
export async function finish(
  gateway: Gateway,
  exchange: Exchange,
  outcome: RequestOutcome,
  ended?: EndedAnswer,
): Promise<void> {
  await Promise.all([settle(gateway, exchange, outcome), keepAnswer(gateway, exchange, ended)]);
  await record(gateway, exchange.facts, outcome);
}

async function finishAnswer(
  gateway: Gateway,
  exchange: Exchange,
  {
    answer,
    meter,
    settled,
  }: { readonly answer: Answer; readonly meter: Watch; readonly settled: RequestOutcome },
): Promise<void> {
  if (answer.isCountedHere !== true) noteAnswer(gateway, settled, answer.committed.limits.cause());
  const { transcript } = meter;
  await finish(
    gateway,
    exchange,
    settled,
    settled.outcome === 'ok' ? { answer, transcript, cost: meter.read().cost } : undefined,
  );
}

/** The status is out: whatever comes now, answer or failure, comes in the stream. */
function respondAfterSilence(
  gateway: Gateway,
  exchange: Exchange,
  calling: Promise<CallOutcome>,
): OutgoingResponse {
  const { dialect } = exchange.request;
  let meter: Watch | undefined;

  async function* body(): AsyncGenerator<Uint8Array> {
    yield streamBytes(dialect.keepAlive, dialect);
    try {
      for (;;) {
        const outcome = await Promise.race([calling, silence(gateway.pacing.keepAliveMs, calling)]);
        if (outcome === 'silent') {
          yield streamBytes(dialect.keepAlive, dialect);
          continue;
        }
        if (outcome.type === 'client-gone') return;
        meter = meterFor(exchange, outcome);
        yield* streamOf(gateway, exchange, outcome, meter);
        return;
      }
    } catch (thrown) {
      const error = reported(gateway, exchange, thrown);
      yield streamBytes(unservedStream(dialect, error, unservedEnvelope(exchange)), dialect);
    }
  }

  return {
    status: 200,
    headers: streamHeaders(dialect.streamContentType),
    body: body(),
    async afterEnd() {
      const outcome = await calling.catch((thrown: unknown) => asGatewayError(thrown));
      if (outcome instanceof GatewayError)
        return finish(gateway, exchange, outcomeWithoutAnswer(gateway, exchange, outcome.code));
      if (outcome.type === 'client-gone')
        return finish(gateway, exchange, outcomeWithoutAnswer(gateway, exchange, 'client-gone'));
      return finishStream(gateway, exchange, outcome, meter ?? meterFor(exchange, outcome));
    },
  };
}

/** What the caller is told; a fault of ours is told to the operator too. */
function reported(gateway: Gateway, exchange: Exchange, thrown: unknown): GatewayError {
  const error = asGatewayError(thrown);
  if (error.code === 'internal')
    gateway.telemetry.problem('An answer failed.', error.cause, { id: exchange.facts.id });
  return error;
}

/** A stream that holds nothing but its failure. */
const unservedStream = (dialect: Dialect, error: GatewayError, envelope: AnswerEnvelope): string =>
  dialect.createStreamEncoder(envelope).fail?.(error) ?? dialect.encodeStreamError(error, envelope);

const unservedEnvelope = (exchange: Exchange): AnswerEnvelope => ({
  id: exchange.facts.id,
  model: exchange.request.chat.model,
  createdAtSeconds: Math.floor(exchange.facts.startedAtMs / 1_000),
  includeUsage: false,
});

function respondToNobody(gateway: Gateway, exchange: Exchange): OutgoingResponse {
  const error = new GatewayError('invalid_request', 'The caller left.');
  return {
    ...respondError(exchange.request.dialect, error, exchange.facts.id),
    afterEnd: () => finish(gateway, exchange, outcomeWithoutAnswer(gateway, exchange, 'client-gone')),
  };
}

/** A meter that also writes down what may be kept. */
interface Watch extends Meter {
  readonly transcript: Transcript;
}

function meterFor(exchange: Exchange, answer: Answer): Watch {
  const { admission, replay } = answer;
  const meter =
    replay === undefined ? createMeter(admission.quote) : createReplayMeter({ ...answer, replay });
  const transcript = createTranscript(keepsAnswer(exchange.reuse, answer));
  return {
    transcript,
    measure: (frames) => transcript.record(meter.measure(frames)),
    read: () => meter.read(),
  };
}

const streamOf = (
  gateway: Gateway,
  exchange: Exchange,
  answer: Answer,
  meter: Watch,
): AsyncGenerator<Uint8Array> =>
  encodeStream(exchange, answer, meter.measure(answer.committed.frames), {
    keepAliveMs: gateway.pacing.keepAliveMs,
    ...(isStored(exchange, answer) && {
      store: (shown: string) => storeAnswer(gateway, exchange, answer, shown),
    }),
    onFailure: (error) =>
      gateway.telemetry.problem('An answer could not be encoded.', error, { id: exchange.facts.id }),
  });

/** Ends the upstream call if the caller left before it ended, then settles what was generated. */
async function finishStream(
  gateway: Gateway,
  exchange: Exchange,
  answer: Answer,
  meter: Watch,
): Promise<void> {
  const { limits } = answer.committed;
  const metered = meter.read();
  if (metered.ending === undefined) limits.abandon();
  limits.release();
  const settled = outcomeOfAnswer(gateway, exchange, answer, metered);
  await finishAnswer(gateway, exchange, { answer, meter, settled });
}

const streamHeaders = (contentType: string): Record<string, string> => ({
  'content-type': contentType,
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
});

function commonHeaders(gateway: Gateway, exchange: Exchange, answer: Answer): Record<string, string> {
  if (answer.replay === undefined) exchange.timings['upstream'] = answer.committed.timeToFirstTokenMs;
  const shown = ['auth', 'plan', 'admit', 'compare', 'upstream'].flatMap((name) => {
    const duration = exchange.timings[name];
    return duration === undefined ? [] : [`${name};dur=${duration.toFixed(1)}`];
  });
  return {
    ...answerHeaders(exchange, answer, gateway.clock.now()),
    ...budgetHeaders(gateway, exchange),
    ...(exchange.rates !== undefined && rateLimitHeaders(exchange.rates, gateway.clock.now())),
    // The gateway shortens what a caller left open, to keep it inside a budget: the caller shall know.
    ...(answer.admission.outputBound !== undefined &&
      answer.replay === undefined && {
        'x-sluice-max-output-tokens': String(
          sentOutputBound(answer.target.price, answer.admission.outputBound),
        ),
      }),
    'server-timing': shown.join(', '),
  };
}

/** The tightest budget, as this process last saw it; nothing where it never did. */
function budgetHeaders(gateway: Gateway, exchange: Exchange): Record<string, string> {
  const now = gateway.clock.now();
  const state = tightest(
    (exchange.held?.shared ?? []).flatMap((policy) => gateway.remainders.states(policy, now)),
  );
  return state === undefined ? {} : headersOfBudget(state.policy.scope, state);
}

/** One budget as headers tell it. */
export const headersOfBudget = ({ kind }: Scope, state: BudgetState): Record<string, string> => ({
  'x-sluice-budget-scope': kind,
  'x-sluice-budget-limit-usd': decimalUsd(state.budget.limit),
  'x-sluice-budget-remaining-usd': decimalUsd(leftOf(state)),
  ...(state.resetsAtMs !== undefined && {
    'x-sluice-budget-reset': new Date(state.resetsAtMs).toISOString(),
  }),
});

/** Resolves after a while, unless the other has settled before: then never, and no timer is left. */
function silence(durationMs: number, other: Promise<unknown>): Promise<'silent'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('silent'), durationMs);
    const stop = (): void => clearTimeout(timer);
    other.then(stop, stop);
  });
}

async function* once(text: string): AsyncIterable<Uint8Array> {
  yield ENCODER.encode(text);
}
