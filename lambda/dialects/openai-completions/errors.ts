import type { GatewayError } from '../../domain/errors.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { errorBody } from '../openai-errors.ts';
import { completion } from './wire.ts';

/** An error after the first byte: a chunk that carries it, with choices as every chunk has them. */
export function encodeStreamError(error: GatewayError, envelope: AnswerEnvelope): string {
  const body = JSON.stringify(errorBody(error, { request_id: envelope.id }));
  const choices = [{ text: '', index: 0, logprobs: null, finish_reason: 'error' }];
  return `data: ${completion(envelope, choices).slice(0, -1)},"error":${body}}\n\n`;
}
