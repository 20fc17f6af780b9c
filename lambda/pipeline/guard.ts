import { GatewayError } from '../domain/errors.ts';
import type { DecodedRequest } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/** Header that names the gateways a call has come through, sent with every upstream call. */
export const VIA_HEADER = 'x-sluice-via';

/**
 * Refuses what must not go on, whatever it says: today a call that comes back to the gateway it left from.
 * @throws GatewayError `loop_detected`
 */
export function guard(gateway: Pick<Gateway, 'id'>, request: DecodedRequest): void {
  if (via(request.headers).includes(gateway.id))
    throw new GatewayError(
      'loop_detected',
      'This request has come back to the gateway it left from: the address of a provider points at the gateway itself.',
    );
}

/** The gateways a request has come through so far. */
export const via = (headers: Readonly<Record<string, string>>): readonly string[] =>
  (headers[VIA_HEADER] ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
