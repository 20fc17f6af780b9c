import { OPERATION_OF } from '../dialects/dialect.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import { costOf } from '../domain/money/cost.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import type { Attempt } from '../domain/request-record.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { PlannedDeployment, RoutePlan } from '../domain/routing/plan.ts';
import { type Admission, admitNext, isRefusedByLimit } from './admit.ts';
import { type AttemptOutcome, attempt, type Committed } from './attempt.ts';
import type { Exchange } from './exchange.ts';
import { type AttemptFailure, asCallerError } from './failure.ts';
import type { Gateway } from './gateway.ts';
import type { SeenOutcome } from './health-view.ts';
import { presumedCost, type Quote } from './quote.ts';
import type { Replay } from './reuse.ts';
import { isHeldBy, scopesFor } from './scopes.ts';
import {
  type CallTarget,
  callTarget,
  type Unsupported,
  type UpstreamBody,
  unsupportedMode,
  upstreamBody,
} from './upstream-request.ts';

/** An answer on its way, from whom, and under which reservation. */
export interface Answer {
  readonly type: 'answer';
  readonly target: Pick<CallTarget, 'deployment' | 'dialect' | 'price' | 'isSameDialect'>;
  readonly admission: Admission;
  readonly committed: Committed;
  /** Where it was there already, and nobody was called. */
  readonly replay?: Replay;
  /** Tokens were counted by us, and nobody was called. */
  readonly isCountedHere?: true;
}

/** How the calls ended. */
export type CallOutcome = Answer | { readonly type: 'client-gone' };

/** No call is made with less time than this. */
const LEAST_CALL_MS = 10;
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
  if (exchange.signal.aborted) return { type: 'client-gone' };
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
    if (exchange.attempts.length >= progress.mostAttempts || isTimeUp(gateway, exchange)) break;
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

/** Whether too little is left for another call. The first is made in any case, and then runs into the limit itself. */
const isTimeUp = (gateway: Gateway, exchange: Exchange): boolean =>
  exchange.attempts.length > 0 && exchange.deadlineMs - gateway.clock.now() < LEAST_CALL_MS;

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
  if (outcome.type !== 'committed') {
    const owed = owedFor(outcome, prepared.admission.quote, exchange.request.chat.stream);
    exchange.presumedCost = nanoUsd(exchange.presumedCost + owed);
  }
  const { id } = target.deployment;
  exchange.attempts.push({
    deployment: id,
    outcome: attemptOutcome(outcome),
    durationMs: Math.round(gateway.clock.monotonicMs() - startedMs),
    ...('status' in outcome && outcome.status !== undefined && { status: outcome.status }),
  });
  if (outcome.type === 'client-gone') return outcome;
  if (outcome.type === 'committed')
    return { type: 'answer', target, admission: prepared.admission, committed: outcome };
  const seen = seenIn(outcome.failure);
  if (seen !== undefined) gateway.health.saw(id, seen);
  return { type: 'failed', failure: outcome.failure, admission: prepared.admission };
}

/** What a call without an answer for the caller costs: as the provider says, or as presumed, or nothing. */
function owedFor(
  outcome: Exclude<AttemptOutcome, { type: 'committed' }>,
  quote: Quote,
  stream: boolean,
): NanoUsd {
  if (outcome.type === 'failed' && outcome.usage !== undefined && quote.price !== undefined)
    return costOf(quote.price, outcome.usage).total;
  return outcome.mayBeBilled ? presumedCost(quote, stream) : ZERO_USD;
}

function attemptOutcome(outcome: AttemptOutcome): Attempt['outcome'] {
  switch (outcome.type) {
    case 'committed':
      return 'ok';
    case 'client-gone':
      return outcome.type;
    case 'failed':
      return outcome.failure.error.code;
  }
}

type Prepared =
  | {
      readonly type: 'prepared';
      readonly target: CallTarget;
      readonly body: UpstreamBody;
      readonly admission: Admission;
    }
  | { readonly type: 'refused'; readonly error: GatewayError };

async function prepare(
  gateway: Gateway,
  exchange: Exchange,
  { deployment, group }: PlannedDeployment,
  admission: Admission,
): Promise<Prepared> {
  const target = callTarget(gateway, deployment, {
    callerDialect: exchange.request.dialect.id,
    startedAtMs: exchange.facts.startedAtMs,
  });
  if (target === undefined) return refused(noWayTo(gateway, exchange, deployment));
  const body = encodeBody(gateway, exchange, target, admission);
  if (body instanceof GatewayError) return refused(body);
  const { unsupported, ignored } = body;
  const kept = unsupported.find(({ name }) => exchange.request.dialect.irreplaceable?.has(name));
  if (kept !== undefined) return refused(keptElsewhere(kept.name, target));
  if (unsupported.length > 0 && unsupportedMode(gateway, exchange.request, group) === 'reject')
    return refused(unsupportedParameters(unsupported, target));
  exchange.dropped = [...unsupported.map(({ name }) => name), ...ignored];
  exchange.addedBytes = Math.max(exchange.addedBytes, addedBytes(exchange, body));
  try {
    return {
      type: 'prepared',
      target,
      body,
      admission: await admitNext(gateway, exchange, admission, deployment),
    };
  } catch (error) {
    if (isRefusedByLimit(error)) return refused(error);
    throw error;
  }
}

/** What another format's own framing may add for each part of a conversation: that is no text of the prompt. */
const FRAMING_BYTES_A_PART = 160;

/**
 * How much longer a body is than the caller's, beyond framing: `1e20` is written out in full when it is encoded anew. JSON
 * within JSON has its quotes escaped twice, which is framing.
 */
function addedBytes({ request }: Exchange, { text, form }: UpstreamBody): number {
  // Of a form nothing changes but the model's name.
  if (form !== undefined) return 0;
  const { chat, bodyBytes, raw } = request;
  const growth = Buffer.byteLength(text) - bodyBytes;
  if (growth <= 0) return 0;
  const parts = chat.messages.reduce(
    (sum, message) => sum + 1 + message.content.length,
    1 + (chat.tools?.length ?? 0),
  );
  const escapes = countEscapes(text) - countEscapes(raw);
  return Math.max(0, growth - Math.max(0, escapes) - parts * FRAMING_BYTES_A_PART);
}

function countEscapes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at + 1)) count += 1;
  return count;
}

/** A body that cannot be made for one dialect is no reason not to try the next. */
function encodeBody(
  gateway: Gateway,
  exchange: Exchange,
  target: CallTarget,
  admission: Admission,
): UpstreamBody | GatewayError {
  try {
    const isHeld = isHeldBy(scopesFor(gateway, exchange, target.deployment));
    return upstreamBody(exchange, target, { outputBound: admission.outputBound, isHeld });
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (error.code === 'internal')
      gateway.telemetry.problem('A request could not be encoded.', thrown, { id: exchange.facts.id });
    return error;
  }
}

const refused = (error: GatewayError): { readonly type: 'refused'; readonly error: GatewayError } => ({
  type: 'refused',
  error,
});

/** Why a deployment cannot be called: its provider is off, or has nothing of the kind that is asked for. */
function noWayTo(gateway: Gateway, { request }: Exchange, { id, provider }: Deployment): GatewayError {
  if (!gateway.providers.has(provider))
    return new GatewayError('no_healthy_deployment', `${id} is not enabled.`);
  const operation = OPERATION_OF[request.dialect.id];
  return new GatewayError('no_eligible_deployment', `${provider} has no ${operation} that ${id} could do.`);
}

const keptElsewhere = (name: string, { enabled }: CallTarget): GatewayError =>
  new GatewayError(
    'unsupported_parameter',
    `"${name}" stands for what is kept by the provider that gave it: ${enabled.name} does not know it. Send the conversation itself.`,
    { param: name },
  );

function unsupportedParameters(unsupported: readonly Unsupported[], target: CallTarget): GatewayError {
  const names = unsupported.map(({ name }) => name);
  const [first = ''] = names;
  const told = unsupported.map(({ name, reason }) =>
    reason === undefined ? `"${name}"` : `"${name}" (${reason.replace(/\.$/, '')})`,
  );
  return new GatewayError(
    'unsupported_parameter',
    `${target.enabled.name} cannot express ${told.join(', ')}. Leave it out, or send x-sluice-unsupported: drop.`,
    { param: first, metadata: { unsupported: names } },
  );
}

function seenIn({ error, isDeploymentsFault }: AttemptFailure): SeenOutcome | undefined {
  if (error.code === 'rate_limit_exceeded') {
    const seconds = error.retryAfterSeconds;
    return { type: 'rate-limited', retryAfterMs: seconds === undefined ? undefined : seconds * 1_000 };
  }
  return isDeploymentsFault ? { type: 'failure' } : undefined;
}

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
