import { GatewayError } from '../domain/errors.ts';
import type { PlannedDeployment, RoutePlan } from '../domain/routing/plan.ts';
import { type Admission, admitNext } from './admit.ts';
import { attempt, type Committed } from './attempt.ts';
import type { Exchange } from './exchange.ts';
import { type AttemptFailure, asCallerError } from './failure.ts';
import type { Gateway } from './gateway.ts';
import type { SeenOutcome } from './health-view.ts';
import { type CallTarget, callTarget, upstreamBody } from './upstream-request.ts';

/** An answer on its way, from whom, and under which reservation. */
export interface Answer {
  readonly type: 'answer';
  readonly target: CallTarget;
  readonly admission: Admission;
  readonly committed: Committed;
}

/** How the calls ended. */
export type CallOutcome = Answer | { readonly type: 'client-gone' };

const FIRST_PAUSE_MS = 200;
/** A provider that wants us to wait longer than this is not waited for within the request. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * The one retry loop: each planned deployment in turn, then those again whose failure may pass, until an answer is
 * committed, the caller's request itself is at fault, or nothing is left to try.
 * @throws GatewayError the last failure, with what was tried
 */
export async function call(
  gateway: Gateway,
  exchange: Exchange,
  plan: RoutePlan,
  admission: Admission,
): Promise<CallOutcome> {
  const progress: Progress = {
    admission,
    refusal: undefined,
    failure: undefined,
    mostAttempts: Math.max(gateway.config.maxAttempts, plan.length),
  };
  let candidates: readonly PlannedDeployment[] = plan;
  for (let round = 0; candidates.length > 0; round += 1) {
    const outcome = await tryEach(gateway, exchange, candidates, progress);
    if (outcome.type !== 'failed') return outcome;
    const goesOn = outcome.worthAnother.length > 0 && exchange.attempts.length < progress.mostAttempts;
    candidates =
      goesOn && (await pause(gateway, exchange, progress.failure, round)) ? outcome.worthAnother : [];
  }
  if (progress.failure !== undefined) throw asCallerError(progress.failure.error, exchange.attempts);
  throw progress.refusal ?? new GatewayError('no_healthy_deployment', 'No deployment could be called.');
}

/** What the loop has learnt so far. */
interface Progress {
  admission: Admission;
  /** Why the first deployment that was passed over could not be called. */
  refusal: GatewayError | undefined;
  /** How the last call failed. */
  failure: AttemptFailure | undefined;
  readonly mostAttempts: number;
}

/** Tries deployments in turn. @throws GatewayError where the request itself is at fault */
async function tryEach(
  gateway: Gateway,
  exchange: Exchange,
  candidates: readonly PlannedDeployment[],
  progress: Progress,
): Promise<CallOutcome | { readonly type: 'failed'; readonly worthAnother: readonly PlannedDeployment[] }> {
  const worthAnother: PlannedDeployment[] = [];
  for (const planned of candidates) {
    if (exchange.attempts.length >= progress.mostAttempts) break;
    const step = await tryDeployment(gateway, exchange, planned, progress.admission);
    switch (step.type) {
      case 'answer':
      case 'client-gone':
        return step;
      case 'refused':
        progress.refusal ??= step.error;
        break;
      case 'failed':
        progress.admission = step.admission;
        progress.failure = step.failure;
        if (!step.failure.failover) throw asCallerError(step.failure.error, exchange.attempts);
        if (step.failure.retry) worthAnother.push(planned);
    }
  }
  return { type: 'failed', worthAnother };
}

type Step =
  | Answer
  | { readonly type: 'client-gone' }
  /** Not called: the money does not cover it, or the request cannot be said in its dialect. */
  | { readonly type: 'refused'; readonly error: GatewayError }
  | { readonly type: 'failed'; readonly failure: AttemptFailure; readonly admission: Admission };

async function tryDeployment(
  gateway: Gateway,
  exchange: Exchange,
  planned: PlannedDeployment,
  admission: Admission,
): Promise<Step> {
  const prepared = await prepare(gateway, exchange, planned, admission);
  if (prepared.type === 'refused') return prepared;
  const { target, body } = prepared;
  const startedMs = gateway.clock.monotonicMs();
  exchange.timings['overhead'] ??= startedMs - exchange.startedMs;
  const outcome = await attempt(gateway, exchange, target, body);
  if (outcome.type === 'client-gone') return outcome;
  const { id } = target.deployment;
  exchange.attempts.push({
    deployment: id,
    outcome: outcome.type === 'committed' ? 'ok' : outcome.failure.error.code,
    durationMs: Math.round(gateway.clock.monotonicMs() - startedMs),
    ...(outcome.status !== undefined && { status: outcome.status }),
  });
  if (outcome.type === 'committed')
    return { type: 'answer', target, admission: prepared.admission, committed: outcome };
  const seen = seenIn(outcome.failure);
  if (seen !== undefined) gateway.health.saw(id, seen);
  return { type: 'failed', failure: outcome.failure, admission: prepared.admission };
}

type Prepared =
  | {
      readonly type: 'prepared';
      readonly target: CallTarget;
      readonly body: string;
      readonly admission: Admission;
    }
  | { readonly type: 'refused'; readonly error: GatewayError };

async function prepare(
  gateway: Gateway,
  exchange: Exchange,
  { deployment }: PlannedDeployment,
  admission: Admission,
): Promise<Prepared> {
  const target = callTarget(gateway, exchange.request.dialect.id, deployment);
  if (target === undefined)
    return refused(new GatewayError('no_healthy_deployment', `${deployment.id} is not enabled.`));
  const { text, unsupported, ignored } = upstreamBody(exchange, target, admission.outputBound);
  const mode = exchange.request.options.unsupportedParameters ?? gateway.config.unsupportedParameters;
  if (unsupported.length > 0 && mode === 'reject') return refused(unsupportedParameters(unsupported, target));
  exchange.dropped = [...unsupported, ...ignored];
  try {
    return {
      type: 'prepared',
      target,
      body: text,
      admission: await admitNext(gateway, exchange, admission, deployment),
    };
  } catch (error) {
    if (error instanceof GatewayError && MONEY_REFUSALS.has(error.code)) return refused(error);
    throw error;
  }
}

/** What makes one deployment too dear, but not the next. */
const MONEY_REFUSALS: ReadonlySet<string> = new Set(['budget_exceeded', 'price_unknown', 'cost_unbounded']);

const refused = (error: GatewayError): { readonly type: 'refused'; readonly error: GatewayError } => ({
  type: 'refused',
  error,
});

function unsupportedParameters(names: readonly string[], target: CallTarget): GatewayError {
  const [first = ''] = names;
  return new GatewayError(
    'unsupported_parameter',
    `${target.enabled.name} cannot express ${names.map((name) => `"${name}"`).join(', ')}. Leave it out, or send x-sluice-unsupported: drop.`,
    { param: first, metadata: { unsupported: names } },
  );
}

function seenIn({ error }: AttemptFailure): SeenOutcome | undefined {
  if (error.code === 'rate_limit_exceeded') {
    const seconds = error.retryAfterSeconds;
    return { type: 'rate-limited', retryAfterMs: seconds === undefined ? undefined : seconds * 1_000 };
  }
  return FAILURES.has(error.code) ? { type: 'failure' } : undefined;
}

const FAILURES: ReadonlySet<string> = new Set([
  'upstream_error',
  'upstream_overloaded',
  'upstream_timeout',
  'upstream_invalid_response',
  'upstream_authentication_failed',
]);

/** Waits before another round; false where waiting would take too long. */
async function pause(
  gateway: Gateway,
  exchange: Exchange,
  failure: AttemptFailure | undefined,
  round: number,
): Promise<boolean> {
  const asked = failure?.error.retryAfterSeconds;
  const pauseMs =
    asked === undefined ? FIRST_PAUSE_MS * 2 ** round * (0.5 + gateway.clock.random()) : asked * 1_000;
  if (pauseMs > LONGEST_PAUSE_MS || gateway.clock.now() + pauseMs >= exchange.deadlineMs) return false;
  await gateway.clock.sleep(pauseMs, exchange.signal);
  return !exchange.signal.aborted;
}
