import { ERROR_KINDS, type GatewayError } from '../../domain/errors.ts';

/** Cohere says what is wrong in `message`, as the reader of OpenAI's envelopes understands it. */
export { decodeError } from '../openai-chat/errors.ts';

/**
 * Cohere's envelope, `{id, message}`, with our code and metadata beside it.
 * @see https://docs.cohere.com/reference/errors
 */
export const encodeError = (error: GatewayError, requestId: string): string =>
  JSON.stringify({
    id: requestId,
    message: error.message,
    type: ERROR_KINDS[error.code].openaiType,
    code: error.code,
    param: error.param ?? null,
    metadata: { ...error.metadata, request_id: requestId, retryable: error.retryable },
  });
