import fc from 'fast-check';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { ERROR_KINDS, GatewayError } from '../../lambda/domain/errors.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../lambda/domain/json.ts';
import { anyRequest } from '../../test/dialects/any-request.ts';
import { FUZZED_DIALECTS } from './dialects.ts';
import { mutateJson } from './mutate-json.ts';
import { randomOf } from './random.ts';
import { recordedRequests } from './recordings.ts';

/** What became of the bodies of one dialect. */
export interface BodyCounts {
  bodies: number;
  understood: number;
  refused: number;
  readonly failures: string[];
}

/**
 * Decodes mutated requests as their dialect's callers send them, and encodes what is understood for every dialect: each is
 * a valid request or an error that says it is the caller's, in the caller's own envelope; nothing else is thrown.
 * @param options the same seed gives the same bodies; `onCase` hears the number of each before it begins
 */
export function fuzzBodies(options: {
  readonly bodies: number;
  readonly seed: number;
  readonly onCase?: (number: number) => void;
}): ReadonlyMap<string, BodyCounts> {
  const sources = FUZZED_DIALECTS.map((dialect) => ({ dialect, bodies: bodiesOf(dialect, options.seed) }));
  const counts = new Map<string, BodyCounts>(
    FUZZED_DIALECTS.map(({ id }) => [id, { bodies: 0, understood: 0, refused: 0, failures: [] }]),
  );
  for (let number = 0; number < options.bodies; number += 1) {
    options.onCase?.(number);
    const random = randomOf(options.seed * 1_000_003 + number);
    const { dialect, bodies = [] } = sources[number % sources.length] ?? {};
    const body = random.pick(bodies);
    const count = dialect && counts.get(dialect.id);
    if (dialect === undefined || body === undefined || count === undefined) continue;
    const outcome = outcomeOf(dialect, JSON.stringify(mutateJson(body, random)));
    addOutcome(count, outcome, number);
  }
  return counts;
}

function addOutcome(count: BodyCounts, outcome: string, number: number): void {
  count.bodies += 1;
  if (outcome === 'understood') count.understood += 1;
  else if (outcome === 'refused') count.refused += 1;
  else count.failures.push(`case ${number}: ${outcome}`);
}

/** How many requests are made up beside those that were recorded, which ask for little. */
const MADE_UP = 300;

/** Requests of a dialect before anything is changed in them. */
function bodiesOf(dialect: Dialect, seed: number): readonly JsonObject[] {
  const madeUp = fc.sample(anyRequest, { numRuns: MADE_UP, seed }).flatMap((request) => {
    const { body } = dialect.encodeRequest(request, TARGET);
    const wire = parseJsonObject(JSON.stringify(body));
    return wire === undefined ? [] : [wire];
  });
  return [...recordedRequests(dialect.id), ...madeUp];
}

const TARGET = { model: 'm', maxOutputTokens: 100 };

function outcomeOf(dialect: Dialect, raw: string): string {
  try {
    const request = dialect.decodeRequest(parseJsonObject(raw) ?? {}, { model: 'm', stream: false });
    const invalid = whatIsInvalid(request);
    if (invalid !== undefined) return invalid;
    JSON.parse(dialect.patchRequest(raw, request, TARGET));
    for (const target of FUZZED_DIALECTS) encodes(target, request);
    return 'understood';
  } catch (error) {
    return isCallersError(error, dialect) ? 'refused' : textOf(error);
  }
}

/** A target may refuse what it cannot say at all. */
function encodes(target: Dialect, request: ChatRequest): void {
  try {
    const { body } = target.encodeRequest(request, TARGET);
    JSON.parse(JSON.stringify(body));
  } catch (error) {
    if (!isCallersError(error, target)) throw error;
  }
}

/** An error of the caller's own making, which its format can tell. */
function isCallersError(error: unknown, dialect: Dialect): boolean {
  if (!(error instanceof GatewayError)) return false;
  const { status } = ERROR_KINDS[error.code];
  return status >= 400 && status < 500 && isJsonObject(JSON.parse(dialect.encodeError(error, 'req-1')));
}

const ROLES: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant']);

function whatIsInvalid({ model, messages }: ChatRequest): string | undefined {
  if (typeof model !== 'string' || model === '') return 'a request without a model';
  // Bedrock's format takes a request without messages, as the prompt may be one that Bedrock keeps.
  const isSound = messages.every(({ role, content }) => ROLES.has(role) && Array.isArray(content));
  return isSound ? undefined : 'a message without role or content';
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
