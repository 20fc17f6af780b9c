import { GatewayError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { HttpRequest } from '../http/message.ts';

/** The largest body the control plane reads, in bytes: no key needs a thousandth of it. */
const MAX_BODY_BYTES = 1_000_000;

/**
 * Reads a body that has to be a JSON object.
 * @throws GatewayError `payload_too_large`, or `invalid_request` for what is no UTF-8, no JSON or no object
 */
export function readJsonObject({ body, bodyTooLarge }: HttpRequest): JsonObject {
  if (bodyTooLarge === true || body.byteLength > MAX_BODY_BYTES)
    throw new GatewayError(
      'payload_too_large',
      `The body is too large: at most ${MAX_BODY_BYTES} bytes are read.`,
    );
  const value = parse(decode(body));
  if (!isJsonObject(value)) throw new GatewayError('invalid_request', 'The body must be a JSON object.');
  return value;
}

/** As `readJsonObject`, where a body may be left out. */
export const readJsonObjectOrNothing = (request: HttpRequest): JsonObject =>
  request.body.byteLength === 0 && request.bodyTooLarge !== true ? {} : readJsonObject(request);

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new GatewayError('invalid_request', 'The body is not valid UTF-8.', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, refusePrototype);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('invalid_request', 'The body is not valid JSON.', { cause });
  }
}

/** Schemas pass a member of this name over in silence; what is not kept must not look accepted. */
function refusePrototype(name: string, value: unknown): unknown {
  if (name === '__proto__')
    throw new GatewayError('invalid_request', 'No member may be named __proto__.', { param: '__proto__' });
  return value;
}
