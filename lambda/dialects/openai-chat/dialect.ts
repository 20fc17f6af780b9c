import type { Dialect } from '../dialect.ts';
import { encodeRequest, patchRequest } from './encode-request.ts';
import { decodeError, encodeError } from './errors.ts';
import { decodeRequest } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { decodeStream, patchFrame } from './stream.ts';
import { createStreamEncoder, errorChunk } from './stream-encoder.ts';
import { DIALECT_ID } from './wire.ts';

/** OpenAI's chat completions, as OpenAI and everyone compatible speak it. */
export const openaiChat: Dialect = {
  id: DIALECT_ID,
  decodeRequest,
  encodeRequest,
  patchRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder,
  patchFrame,
  keepAlive: ': keep-alive\n\n',
  streamContentType: 'text/event-stream; charset=utf-8',
  decodeError,
  encodeError,
  encodeStreamError: errorChunk,
};
