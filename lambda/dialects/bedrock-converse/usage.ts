import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { countIn, defined, objectIn, objectsIn } from '../loose.ts';
import { encodeCost } from '../usage-cost.ts';
import { stringIn } from './wire.ts';

/**
 * Bedrock's counts. Its `inputTokens` leave out what was read from and written to the prompt cache (recorded: 11 + 1028 + 264
 * are a total of 1303); our prompt tokens hold both.
 * @param answer the whole answer, or the stream's `metadata`: the tier that served stands beside the usage
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function decodeUsage(answer: JsonObject): Usage | undefined {
  const wire = objectIn(answer, 'usage');
  const input = countIn(wire, 'inputTokens');
  const cacheRead = countIn(wire, 'cacheReadInputTokens');
  const cacheWrite = countIn(wire, 'cacheWriteInputTokens');
  const usage = defined({
    promptTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    completionTokens: countIn(wire, 'outputTokens'),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    cacheWriteOneHourTokens: oneHourTokens(wire),
    serviceTier: stringIn(objectIn(answer, 'serviceTier'), 'type'),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

const ONE_HOUR = '1h';
const FIVE_MINUTES = '5m';

const oneHourTokens = (wire: JsonObject): number | undefined =>
  objectsIn(wire, 'cacheDetails')
    .filter((detail) => detail['ttl'] === ONE_HOUR)
    .map((detail) => countIn(detail, 'inputTokens'))
    .find((tokens) => tokens !== undefined);

/** Usage as Bedrock reports it: what is not known is left out. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): JsonObject {
  const { promptTokens, completionTokens, cacheReadTokens, cacheWriteTokens } = usage;
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  const isCounted = promptTokens !== undefined && completionTokens !== undefined;
  return defined({
    inputTokens: promptTokens === undefined ? undefined : Math.max(0, promptTokens - cached),
    outputTokens: completionTokens,
    totalTokens: isCounted ? promptTokens + completionTokens : undefined,
    cacheReadInputTokens: cacheReadTokens,
    cacheWriteInputTokens: cacheWriteTokens,
    cacheDetails: cacheDetails(usage),
    ...(cost === undefined ? {} : encodeCost(cost)),
  });
}

/** Cache writes by how long they are kept, where that is known; the longer first. */
function cacheDetails(usage: Usage): readonly JsonObject[] | undefined {
  const oneHour = usage.cacheWriteOneHourTokens;
  if (oneHour === undefined) return undefined;
  const fiveMinutes = Math.max(0, (usage.cacheWriteTokens ?? 0) - oneHour);
  return [
    { ttl: ONE_HOUR, inputTokens: oneHour },
    { ttl: FIVE_MINUTES, inputTokens: fiveMinutes },
  ];
}
