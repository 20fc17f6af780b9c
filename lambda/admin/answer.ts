import { ERROR_KINDS, type GatewayError } from '../domain/errors.ts';
import { type HttpResponse, jsonResponse } from '../http/message.ts';

/** An error as the control plane tells it: OpenAI's envelope, and the headers HTTP wants beside some of them. */
export function errorResponse(error: GatewayError): HttpResponse {
  const { code, message, param, metadata, retryable, retryAfterSeconds } = error;
  return jsonResponse(
    error.status,
    {
      error: {
        message,
        type: ERROR_KINDS[code].openaiType,
        code,
        param: param ?? null,
        metadata: { ...metadata, retryable },
      },
    },
    {
      'x-should-retry': String(retryable),
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(Array.isArray(metadata['allowed']) ? { allow: metadata['allowed'].join(', ') } : {}),
      ...(code === 'authentication_failed' ? { 'www-authenticate': 'Bearer' } : {}),
    },
  );
}
