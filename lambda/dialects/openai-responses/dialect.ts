import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { SSE_STREAM } from '../sse.ts';
import { encodeRequest, patchRequest } from './encode-request.ts';
import { failedEvent } from './errors.ts';
import { decodeRequest, KEPT_INPUT } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { ResponseWriter } from './response-writer.ts';
import { responseStorage } from './storage.ts';
import { decodeStream, patchFrame } from './stream.ts';
import { DIALECT_ID } from './wire.ts';

/** OpenAI's Responses format. @see https://platform.openai.com/docs/api-reference/responses */
export const openaiResponses: Dialect = {
  id: DIALECT_ID,
  spellings: {
    audio: 'input_audio',
    custom_tools: 'tools',
    file: 'input_file',
    file_url: 'file_url',
    hosted_tools: 'tools',
    image: 'input_image',
    image_url: 'input_image',
    json_mode: 'text.format',
    json_schema: 'text.format',
    logprobs: 'include',
    native_content: 'input',
    provider_file: 'file_id',
    reasoning_content: 'encrypted_content',
    strict_tools: 'tools.strict',
    tool_arguments: 'function_call.arguments',
    tool_result_media: 'function_call_output.output',
    tool_schema: 'tools.parameters',
    verbosity: 'text.verbosity',
  },
  inexpressible: {
    audio: 'Sound is taken in its own bytes, not by address, and not in an answer.',
    cache_hints: 'Prompts are cached without hints.',
    file: 'An answer holds no files.',
    frequency_penalty: 'The format has no such parameter.',
    hosted_tools: 'The tool is run by the provider of its own dialect.',
    image: 'An answer that is sent back holds no pictures.',
    logit_bias: 'The format has no such parameter.',
    n: 'A request has one answer.',
    native_content: 'The content means something in its own dialect only.',
    participant_name: 'Messages have no names.',
    presence_penalty: 'The format has no such parameter.',
    provider_file: 'The file is kept by another provider.',
    reasoning: 'Whether a model thinks at all is its own choice.',
    reasoning_content: 'Reasoning that another provider signed or closed proves nothing here.',
    seed: 'The format has no such parameter.',
    service_tier: 'The tier is of another provider.',
    stop: 'The format has no such parameter.',
    tool_schema: 'Arguments are an object, and at its top no alternatives of it.',
    tools: 'A tool’s name is at most 64 letters, digits, _ and -.',
    top_k: 'The format has no such parameter.',
    temperature: 'Models that reason take none.',
    top_p: 'Models that reason take none.',
  },
  irreplaceable: new Set(KEPT_INPUT),
  hints: new Set([
    ...['client_metadata', 'include', 'reasoning.generate_summary', 'reasoning.summary', 'store'],
    ...['prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options', 'safety_identifier'],
    ...['stream_options', 'context_management'],
  ]),
  harmless: new Set([
    ...['client_metadata', 'include', 'max_tool_calls', 'prompt_cache_key', 'prompt_cache_options'],
    ...['prompt_cache_retention', 'reasoning.generate_summary', 'reasoning.summary', 'safety_identifier'],
    ...['store', 'stream_options', 'text.format', 'tool_choice', 'truncation'],
  ]),
  decodeRequest,
  encodeRequest,
  patchRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder: (envelope) => new ResponseWriter(envelope),
  patchFrame,
  ...SSE_STREAM,
  decodeError,
  encodeError,
  encodeStreamError: (error, envelope) => failedEvent(error, envelope),
  storage: responseStorage,
};
