import type { Dialect, RequestAddress } from '../dialects/dialect.ts';
import { decodeOptions } from '../domain/decode-options.ts';
import { hasRepeatedNames } from '../domain/edit-json.ts';
import { GatewayError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../domain/json.ts';
import type { DecodedRequest } from './exchange.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true });

/**
 * Bytes → request, in the caller's dialect.
 * @throws GatewayError `invalid_request`, `unsupported_parameter`
 */
export function decodeRequest(
  dialect: Dialect,
  headers: Readonly<Record<string, string>>,
  { body, address }: { readonly body: Uint8Array; readonly address?: RequestAddress },
): DecodedRequest {
  const { raw, object } = readBody(body);
  const chat = dialect.decodeRequest(object, address);
  const options = decodeOptions(object, headers, chat);
  return {
    dialect,
    chat,
    options,
    raw,
    bodyBytes: body.byteLength,
    headers,
    models: [chat.model, ...options.fallbackModels],
  };
}

function readBody(body: Uint8Array): { readonly raw: string; readonly object: JsonObject } {
  const raw = decodeText(body);
  const value = parseJson(raw);
  if (value === undefined)
    throw new GatewayError(
      'invalid_request',
      'The body is not valid JSON. Send one JSON object, encoded in UTF-8.',
    );
  if (!isJsonObject(value))
    throw new GatewayError('invalid_request', 'The body must be a JSON object, such as {"model": …}.');
  if (hasRepeatedNames(raw))
    throw new GatewayError('invalid_request', 'The body gives a field twice. Send each field once.');
  return { raw, object: value };
}

function decodeText(body: Uint8Array): string {
  try {
    return DECODER.decode(body);
  } catch (cause) {
    throw new GatewayError('invalid_request', 'The body is not valid UTF-8.', { cause });
  }
}
