import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { SSE_STREAM } from '../sse.ts';
import { encodeStreamError } from './errors.ts';
import { decodeRequest, encodeRequest, patchRequest } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { createStreamEncoder, decodeStream, patchFrame } from './stream.ts';
import { DIALECT_ID } from './wire.ts';

const ONLY_TEXT = 'A prompt is text.';
const NO_TOOLS = 'A completion calls no tools.';
const NO_PARAMETER = 'The format has no such parameter.';

/** OpenAI's text completions. @see https://platform.openai.com/docs/api-reference/completions */
export const openaiCompletions: Dialect = {
  id: DIALECT_ID,
  spellings: { max_output_tokens: 'max_tokens', top_logprobs: 'logprobs' },
  inexpressible: {
    audio: ONLY_TEXT,
    cache_hints: 'Prompts are cached without hints.',
    conversation: 'A prompt has no turns.',
    custom_tools: NO_TOOLS,
    file: ONLY_TEXT,
    file_url: ONLY_TEXT,
    hosted_tools: NO_TOOLS,
    image: ONLY_TEXT,
    image_url: ONLY_TEXT,
    json_mode: NO_PARAMETER,
    json_schema: NO_PARAMETER,
    native_content: ONLY_TEXT,
    parallel_tool_calls: NO_TOOLS,
    participant_name: 'A prompt has no turns.',
    provider_file: ONLY_TEXT,
    reasoning: NO_PARAMETER,
    reasoning_content: ONLY_TEXT,
    service_tier: NO_PARAMETER,
    tool_choice: NO_TOOLS,
    tools: NO_TOOLS,
    top_k: NO_PARAMETER,
    verbosity: NO_PARAMETER,
  },
  hints: new Set(['stream_options']),
  harmless: new Set([
    ...['ignore_eos', 'min_p', 'min_tokens', 'repetition_penalty', 'stop_token_ids', 'suffix', 'top_k'],
  ]),
  decodeRequest,
  encodeRequest,
  patchRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder,
  patchFrame,
  ...SSE_STREAM,
  decodeError,
  encodeError,
  encodeStreamError,
};
