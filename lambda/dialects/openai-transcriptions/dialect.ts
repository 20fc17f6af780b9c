import { editMultipart } from '../../domain/multipart.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { eventStreamError, patchEventFrame } from '../answer-stream.ts';
import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { operationDialect } from '../operation-dialect.ts';
import { SSE_STREAM } from '../sse.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './answer.ts';
import { answerContentType, decodeRequest, TRANSCRIPTION_OPTIONS } from './request.ts';
import { createStreamEncoder, decodeStream } from './stream.ts';

/**
 * Sound written down: a form with a file, answered in JSON, text, subtitles or a stream.
 * @see https://platform.openai.com/docs/api-reference/audio/createTranscription
 */
export const openaiTranscriptions: Dialect = operationDialect({
  id: 'openai-transcriptions',
  requestFormat: 'multipart',
  harmless: TRANSCRIPTION_OPTIONS,
  decodeRequest,
  patchRequest: (raw, _request, { model }) => editMultipart(raw, { set: { model }, remove: OWN_FIELDS }),
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder,
  patchFrame: patchEventFrame,
  ...SSE_STREAM,
  answerContentType,
  encodeStreamError: eventStreamError,
  decodeError,
  encodeError,
});
