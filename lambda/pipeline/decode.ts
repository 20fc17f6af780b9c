import type { Dialect, RequestAddress } from '../dialects/dialect.ts';
import { decodeOptions } from '../domain/decode-options.ts';
import { hasRepeatedNames } from '../domain/edit-json.ts';
import { GatewayError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../domain/json.ts';
import { formFields, readMultipart } from '../domain/multipart.ts';
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
  const { raw, object, bodyBytes, fields } =
    dialect.requestFormat === 'multipart' ? readForm(body, headers) : readBody(body);
  const chat = dialect.decodeRequest(object, address);
  const options = decodeOptions(object, headers, chat);
  return {
    dialect,
    chat,
    options,
    raw,
    bodyBytes,
    ...(fields !== undefined && { fields }),
    headers,
    models: [chat.model, ...options.fallbackModels],
  };
}

interface Body {
  readonly raw: string;
  readonly object: JsonObject;
  readonly bodyBytes: number;
  readonly fields?: JsonObject;
}

/** A request as JSON text, in which it can be compared with others: the body, or the fields of a form. */
export const comparableBody = ({ raw, fields }: Pick<DecodedRequest, 'raw' | 'fields'>): string =>
  fields === undefined ? raw : JSON.stringify(fields);

function readForm(body: Uint8Array, headers: Readonly<Record<string, string>>): Body {
  const raw = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const parts = readMultipart(raw, headers['content-type'] ?? '');
  const fields = formFields(parts);
  const fileBytes = parts.reduce(
    (sum, part) => sum + (part.fileName === undefined ? 0 : part.content.length),
    0,
  );
  return { raw, object: fields, fields, bodyBytes: body.byteLength - fileBytes };
}

function readBody(body: Uint8Array): Body {
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
  return { raw, object: value, bodyBytes: body.byteLength };
}

function decodeText(body: Uint8Array): string {
  try {
    return DECODER.decode(body);
  } catch (cause) {
    throw new GatewayError('invalid_request', 'The body is not valid UTF-8.', { cause });
  }
}
