import type { GatewayError } from '../../domain/errors.ts';
import { usdFromNano } from '../../domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';

/** Callers choose these texts, and each log line is paid for by its length. */
const LONGEST_TEXT = 256;

/**
 * A request's record as attributes of one log line: OpenTelemetry's names where it has one, `sluice.*` otherwise.
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
 */
export function requestAttributes(
  facts: RequestFacts,
  outcome: RequestOutcome,
): Readonly<Record<string, unknown>> {
  return {
    ...openTelemetryAttributes(facts, outcome),
    'sluice.request_id': facts.id,
    'sluice.key_id': facts.keyId,
    'sluice.organization': facts.organization,
    'sluice.team': facts.team,
    'sluice.project': facts.project,
    'sluice.member': facts.member,
    'sluice.end_user': bounded(facts.endUser),
    'sluice.tags': Object.fromEntries(
      Object.entries(facts.tags).map(([name, tag]) => [bounded(name), bounded(tag)]),
    ),
    'sluice.dialect': facts.dialect,
    'sluice.stream': facts.stream,
    'sluice.models_asked': facts.modelsAsked.map(bounded),
    'sluice.started_at': new Date(facts.startedAtMs).toISOString(),
    'sluice.outcome': outcome.outcome,
    'sluice.deployment': bounded(outcome.deployment),
    'sluice.attempts': outcome.attempts.map((attempt) => ({
      ...attempt,
      deployment: bounded(attempt.deployment),
    })),
    'sluice.cost_usd': usdFromNano(outcome.cost),
    'sluice.cost_nano_usd': String(outcome.cost),
    'sluice.charge_basis': outcome.chargeBasis,
    'sluice.cache_hit': outcome.cacheHit,
    'sluice.similarity': outcome.similarity,
    'sluice.embedding_cost_usd':
      outcome.embeddingCost === undefined ? undefined : usdFromNano(outcome.embeddingCost),
    'sluice.saved_cost_usd': outcome.savedCost === undefined ? undefined : usdFromNano(outcome.savedCost),
    'sluice.price_version': outcome.priceVersion,
    'sluice.bound_exceeded': outcome.boundExceeded,
    'sluice.time_to_first_token_ms': outcome.timeToFirstTokenMs,
    'sluice.duration_ms': outcome.durationMs,
    'sluice.overhead_ms': outcome.overheadMs,
  };
}

function openTelemetryAttributes(facts: RequestFacts, outcome: RequestOutcome): Record<string, unknown> {
  const { usage, finishReason } = outcome;
  const isFailure = outcome.outcome !== 'ok' && outcome.outcome !== 'client-gone';
  return {
    'gen_ai.operation.name': facts.operation ?? 'chat',
    'gen_ai.provider.name': outcome.provider,
    'gen_ai.request.model': bounded(facts.modelsAsked[0]),
    'gen_ai.response.model': bounded(outcome.model),
    'gen_ai.response.id': bounded(outcome.upstreamId),
    'gen_ai.response.finish_reasons': finishReason === undefined ? undefined : [finishReason],
    'gen_ai.conversation.id': bounded(facts.session),
    'gen_ai.usage.input_tokens': usage?.promptTokens,
    'gen_ai.usage.output_tokens': usage?.completionTokens,
    'gen_ai.usage.cache_read.input_tokens': usage?.cacheReadTokens,
    'gen_ai.usage.cache_creation.input_tokens': usage?.cacheWriteTokens,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoningTokens,
    'error.type': isFailure ? outcome.outcome : undefined,
  };
}

const bounded = <Text extends string | undefined>(text: Text): Text | string =>
  text === undefined || text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;

/**
 * An error by name, message and place. What it was caused by, and what else it carries, stays out: there bodies may hide.
 * A parser's message quotes the text it could not parse, so that is left out too.
 */
export function errorAttributes(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: typeof error };
  const isQuoting = error instanceof SyntaxError;
  return {
    name: error.name,
    // Only our own errors carry a code of ours.
    code: error.name === 'GatewayError' ? (error as GatewayError).code : undefined,
    message: isQuoting ? 'withheld: it may quote what was parsed' : error.message,
    stack: error.stack?.split('\n').filter((line) => /^\s+at /.test(line)),
  };
}
