import { type Dialect, OPERATION_OF } from '../dialects/dialect.ts';
import { GatewayError } from '../domain/errors.ts';
import { ZERO_USD } from '../domain/money/nano.ts';
import type { RequestFacts } from '../domain/request-record.ts';
import { decodeRequest } from './decode.ts';
import type { Caller, DecodedRequest, Exchange, IncomingRequest } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { guard } from './guard.ts';

/**
 * Bytes → a request that may go on.
 * @throws GatewayError `payload_too_large`, `invalid_request`, `unsupported_parameter`, `loop_detected`
 */
export function decodeAndGuard(
  gateway: Pick<Gateway, 'id'>,
  incoming: IncomingRequest,
  dialect: Dialect,
): DecodedRequest {
  if (incoming.bodyTooLarge === true)
    throw new GatewayError('payload_too_large', 'The body is larger than 6 MB (6,291,456 bytes).');
  const decoded = decodeRequest(dialect, incoming.headers, incoming);
  guard(gateway, decoded);
  return decoded;
}

/** Who asks for what, as far as it is known. */
export function factsOf(
  gateway: Pick<Gateway, 'clock'>,
  incoming: IncomingRequest,
  dialect: Dialect,
  { key }: Caller,
  decoded: DecodedRequest | GatewayError,
): RequestFacts {
  const known = decoded instanceof GatewayError ? undefined : decoded;
  const { organization, team, project, member } = key;
  return {
    id: incoming.id,
    startedAtMs: gateway.clock.now(),
    keyId: key.id,
    dialect: dialect.id,
    ...(OPERATION_OF[dialect.id] !== 'chat' && { operation: OPERATION_OF[dialect.id] }),
    modelsAsked: known?.models ?? [],
    stream: known?.chat.stream ?? false,
    tags: { ...known?.options.tags, ...key.tags },
    ...(organization !== undefined && { organization }),
    ...(team !== undefined && { team }),
    ...(project !== undefined && { project }),
    ...(member !== undefined && { member }),
    ...(known?.options.endUser !== undefined && { endUser: known.options.endUser }),
    ...(known?.options.session !== undefined && { session: known.options.session }),
  };
}

/** A request at the beginning of its way. */
export function newExchange(
  gateway: Pick<Gateway, 'config' | 'clock'>,
  given: Pick<Exchange, 'caller' | 'request' | 'facts' | 'tags' | 'startedMs'> & {
    readonly incoming: IncomingRequest;
  },
): Exchange {
  const { incoming, ...known } = given;
  const { facts, request, startedMs } = known;
  return {
    ...known,
    held: undefined,
    rates: undefined,
    refusal: undefined,
    deadlineMs: facts.startedAtMs + (request.options.timeoutMs ?? gateway.config.timeouts.totalMs),
    signal: incoming.signal,
    attempts: [],
    dropped: [],
    presumedCost: ZERO_USD,
    addedBytes: 0,
    reuse: {},
    timings: { auth: gateway.clock.monotonicMs() - startedMs },
  };
}
