import type { GatewayError } from '../../domain/errors.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { errorBody } from '../openai-chat/errors.ts';
import { completion } from './completion.ts';

/** A chunk that carries an error, with choices as every chunk has them. */
export function errorChunk(
  error: Pick<GatewayError, 'code' | 'message' | 'param' | 'metadata' | 'retryable'>,
  envelope: AnswerEnvelope,
): string {
  const body = JSON.stringify(errorBody(error, { request_id: envelope.id }));
  const choices = [{ text: '', index: 0, logprobs: null, finish_reason: 'error' }];
  return `data: ${completion(envelope, choices).slice(0, -1)},"error":${body}}\n\n`;
}
