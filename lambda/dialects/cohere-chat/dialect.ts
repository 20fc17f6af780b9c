import type { Dialect } from '../dialect.ts';
import { SSE_STREAM } from '../sse.ts';
import { encodeRequest, patchRequest } from './encode-request.ts';
import { decodeError, encodeError } from './errors.ts';
import { decodeRequest } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { decodeStream, patchFrame } from './stream.ts';
import { createStreamEncoder, encodeStreamError } from './stream-encoder.ts';
import { DIALECT_ID } from './wire.ts';

/** Cohere's Chat API, version 2. @see https://docs.cohere.com/reference/chat */
export const cohereChat: Dialect = {
  id: DIALECT_ID,
  spellings: {
    hosted_tools: 'tools',
    image: 'image_url',
    json_mode: 'response_format',
    json_schema: 'response_format',
    max_output_tokens: 'max_tokens',
    native_content: 'messages.content',
    reasoning: 'thinking',
    reasoning_content: 'thinking',
    stop: 'stop_sequences',
    tool_arguments: 'messages.tool_calls.function.arguments',
    tool_schema: 'tools.function.parameters',
    top_k: 'k',
    top_p: 'p',
  },
  inexpressible: {
    audio: 'No model takes sound.',
    cache_hints: 'Prompts are cached without hints.',
    custom_tools: 'Tools take a JSON object.',
    file: 'No model takes files.',
    file_url: 'No model takes files.',
    frequency_penalty: 'It runs from 0 to 1.',
    hosted_tools: 'The tool is run by the provider of its own dialect.',
    image: 'A system turn and an answer hold text only.',
    json_mode: 'It does not go with tools.',
    json_schema: 'It does not go with tools.',
    logit_bias: 'The format has no such parameter.',
    n: 'A request has one answer.',
    native_content: 'The content means something in its own dialect only.',
    parallel_tool_calls: 'The format has no such parameter.',
    participant_name: 'Messages name no speaker.',
    presence_penalty: 'It runs from 0 to 1.',
    provider_file: 'The file is kept by another provider.',
    reasoning: 'The effort is not one that can be told as a budget.',
    reasoning_content: 'Reasoning that another provider signed or closed proves nothing here.',
    reasoning_display: 'What the model thought is always shown.',
    service_tier: 'The tier is of another provider.',
    stop: 'It takes five at most.',
    strict_tools: 'It holds for all tools or for none.',
    temperature: 'It runs from 0 to 1.',
    tool_choice: 'The tool that is to be called is none of the request.',
    top_logprobs: 'The format has no such parameter.',
    user: 'The format has no place for it.',
    verbosity: 'The format has no such parameter.',
  },
  hints: new Set(['citation_options', 'priority']),
  harmless: new Set([
    ...['citation_options', 'documents', 'priority', 'raw_prompting', 'response_format', 'safety_mode'],
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
