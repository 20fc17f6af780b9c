import type { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { errorBody } from '../openai-errors.ts';
import { responseText } from './response-text.ts';

/** The `error` of a response that failed: OpenAI's members, with our code, its retryability and the request's id. */
export const responseError = (error: GatewayError, envelope: AnswerEnvelope): JsonObject =>
  errorBody(error, { request_id: envelope.id });

/** A stream's event as text, framing included. */
export const eventText = (type: string, members: string): string =>
  `event: ${type}\ndata: {"type":${JSON.stringify(type)},${members}}\n\n`;

/**
 * The event that ends a stream which failed.
 * @param written what was written of the answer before; left out where nobody knows
 */
export function failedEvent(
  error: GatewayError,
  envelope: AnswerEnvelope,
  written: { readonly sequence: number; readonly members: JsonObject; readonly usage?: string } = {
    sequence: 0,
    members: {},
  },
): string {
  const { sequence, members, usage } = written;
  const failed = { ...members, status: 'failed', error: responseError(error, envelope) };
  const response = responseText(envelope, failed, usage);
  return eventText('response.failed', `"sequence_number":${sequence},"response":${response}`);
}
