import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError, encodeStreamError } from './errors.ts';
import { decodeRequest, encodeRequest, patchRequest } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { createStreamEncoder, decodeStream, KEEP_ALIVE, patchFrame } from './stream.ts';

/** Anthropic's Messages format. @see https://docs.anthropic.com/en/api/messages */
export const anthropicMessages: Dialect = {
  id: 'anthropic-messages',
  decodeRequest,
  encodeRequest,
  patchRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder,
  patchFrame,
  keepAlive: KEEP_ALIVE,
  streamContentType: 'text/event-stream; charset=utf-8',
  decodeError,
  encodeError,
  encodeStreamError,
};
