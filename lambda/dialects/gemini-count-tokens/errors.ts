import type { GatewayError } from '../../domain/errors.ts';

/** Google says what is wrong in `error.message`, as the reader of OpenAI's envelopes understands it. */
export { decodeError } from '../openai-chat/errors.ts';

/** Names of Google's canonical codes. @see https://cloud.google.com/apis/design/errors#handling_errors */
const STATUS_NAMES: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [402, 'RESOURCE_EXHAUSTED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [500, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

/** Google's envelope, with our code and metadata as one of its details. */
export const encodeError = (error: GatewayError, requestId: string): string =>
  JSON.stringify({
    error: {
      code: error.status,
      message: error.message,
      status: STATUS_NAMES.get(error.status) ?? 'UNKNOWN',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: error.code,
          domain: 'sluice',
          metadata: {
            ...error.metadata,
            ...(error.param !== undefined && { param: error.param }),
            request_id: requestId,
            retryable: error.retryable,
          },
        },
      ],
    },
  });
