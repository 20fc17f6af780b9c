import type { GatewayError } from '../../domain/errors.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { errorBody } from '../openai-errors.ts';
import { chunkText } from './wire.ts';

/** An error after the first byte: a chunk that carries it, with choices since the SDKs' helpers throw on chunks without them. */
export function encodeStreamError(error: GatewayError, envelope: AnswerEnvelope): string {
  const choices = [{ index: 0, delta: {}, finish_reason: 'error' }];
  return chunkText(envelope, { error: errorBody(error, { request_id: envelope.id }), choices });
}
