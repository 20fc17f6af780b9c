import { ERROR_KINDS, type ErrorCode } from '../../domain/errors.ts';
import { usdFromNano } from '../../domain/money/nano.ts';
import type { Attempt, RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import type { MetricName } from '../../schema/metrics.ts';

/** Values that share their dimensions, and so one line of the embedded metric format. */
export interface MetricBlob {
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: Readonly<Partial<Record<MetricName, number>>>;
}

/** The metrics of one request, by dimension set. @param operation what was asked for, where it was no conversation */
export function requestMetrics(
  outcome: RequestOutcome,
  operation: RequestFacts['operation'] = 'chat',
): readonly MetricBlob[] {
  return [
    { dimensions: {}, values: wholeGateway(outcome) },
    { dimensions: { outcome: outcome.outcome }, values: { Requests: 1 } },
    ...(outcome.overheadMs === undefined
      ? []
      : [{ dimensions: { operation }, values: { GatewayOverhead: outcome.overheadMs } }]),
    ...outcome.attempts.map((attempt) => ofAttempt(attempt, outcome)),
  ];
}

function wholeGateway(outcome: RequestOutcome): MetricBlob['values'] {
  const isFailure = outcome.outcome !== 'ok' && outcome.outcome !== 'client-gone';
  const failovers = countFailovers(outcome.attempts);
  const answered = outcome.attempts.find((attempt) => attempt.outcome === 'ok');
  return withoutUndefined({
    Requests: 1,
    Errors: isFailure && isFault(outcome.outcome) ? 1 : 0,
    TimeToFirstToken: outcome.timeToFirstTokenMs,
    TokensPerSecond: tokensPerSecond(answered, outcome),
    UpstreamLatency: answered?.durationMs,
    GatewayOverhead: outcome.overheadMs,
    Failovers: failovers,
    FailoverFailures: failovers > 0 && isFailure ? 1 : 0,
    CacheHits: isCacheHit(outcome) ? 1 : undefined,
    CostUsd: usdFromNano(outcome.cost),
    PromptTokens: outcome.usage?.promptTokens,
    CompletionTokens: outcome.usage?.completionTokens,
    BudgetRejections: isBudgetRejection(outcome.outcome) ? 1 : 0,
    // A provider's 429 is not a limit of ours.
    RateLimitRejections: outcome.outcome === 'rate_limit_exceeded' && outcome.attempts.length === 0 ? 1 : 0,
    BoundExceeded: outcome.boundExceeded ? 1 : 0,
  });
}

/** A provider is counted by its calls, so a failover shows at the one that failed and at the one that answered. */
function ofAttempt(attempt: Attempt, outcome: RequestOutcome): MetricBlob {
  const isOk = attempt.outcome === 'ok';
  return {
    dimensions: deploymentDimensions(attempt.deployment),
    values: withoutUndefined({
      Requests: 1,
      Errors: isProviderFault(attempt.outcome) ? 1 : 0,
      UpstreamLatency: attempt.durationMs,
      TimeToFirstToken: isOk ? outcome.timeToFirstTokenMs : undefined,
      TokensPerSecond: isOk ? tokensPerSecond(attempt, outcome) : undefined,
    }),
  };
}

/** A deployment's id is `provider/model`, with a credential's name after `#` where one is declared. */
function deploymentDimensions(deployment: string): Readonly<Record<string, string>> {
  const [name = ''] = deployment.split('#');
  const slash = name.indexOf('/');
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

/** What one Idempotency-Key was given twice was never looked up in a cache. */
const isCacheHit = ({ cacheHit }: RequestOutcome): boolean =>
  cacheHit !== undefined && cacheHit !== 'idempotency';
const isFault = (code: ErrorCode): boolean => ERROR_KINDS[code].status >= 500;
const isProviderFault = (outcome: Attempt['outcome']): boolean =>
  outcome !== 'ok' && outcome !== 'client-gone' && (isFault(outcome) || outcome === 'rate_limit_exceeded');
const isBudgetRejection = (outcome: RequestOutcome['outcome']): boolean =>
  outcome === 'budget_exceeded' || outcome === 'session_limit_exceeded';

const countFailovers = (attempts: readonly Attempt[]): number =>
  attempts.filter((attempt, index) => index > 0 && attempt.deployment !== attempts[index - 1]?.deployment)
    .length;

/** Speed after the first token; `undefined` where nothing followed it, or nobody saw when it came. */
function tokensPerSecond(answered: Attempt | undefined, outcome: RequestOutcome): number | undefined {
  const tokens = outcome.usage?.completionTokens;
  if (answered === undefined || tokens === undefined || outcome.timeToFirstTokenMs === undefined)
    return undefined;
  const generatingMs = answered.durationMs - outcome.timeToFirstTokenMs;
  return tokens > 1 && generatingMs > 0 ? ((tokens - 1) * 1_000) / generatingMs : undefined;
}

const withoutUndefined = (
  values: Readonly<Partial<Record<MetricName, number | undefined>>>,
): MetricBlob['values'] =>
  // What is left after the filter is defined.
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as MetricBlob['values'];
