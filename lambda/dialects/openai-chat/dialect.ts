import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { encodeRequest, patchRequest } from './encode-request.ts';
import { encodeStreamError } from './errors.ts';
import { decodeRequest } from './request.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './response.ts';
import { decodeStream, patchFrame } from './stream.ts';
import { createStreamEncoder } from './stream-encoder.ts';
import { DIALECT_ID } from './wire.ts';

/** OpenAI's chat completions, as OpenAI and everyone compatible speak it. */
export const openaiChat: Dialect = {
  id: DIALECT_ID,
  spellings: {
    audio: 'input_audio',
    custom_tools: 'tools',
    hosted_tools: 'tools',
    image: 'image_url',
    json_mode: 'response_format',
    json_schema: 'response_format',
    max_output_tokens: 'max_completion_tokens',
    native_content: 'messages.content',
    participant_name: 'messages.name',
    provider_file: 'file_id',
    reasoning: 'reasoning_effort',
    strict_tools: 'tools.function.strict',
    tool_arguments: 'messages.tool_calls.function.arguments',
    tool_schema: 'tools.function.parameters',
  },
  inexpressible: {
    audio: 'Sound is taken in its own bytes, not by address.',
    cache_hints: 'Prompts are cached without hints.',
    file: 'A system turn and an answer hold text only.',
    file_url: 'Files are taken in their own bytes, not by address.',
    hosted_tools: 'The tool is run by the provider of its own dialect.',
    image: 'A system turn and an answer hold text only.',
    max_output_tokens: 'The model gives no longer answers.',
    native_content: 'The content means something in its own dialect only.',
    provider_file: 'The file is kept by another provider.',
    reasoning_display: 'Whether reasoning is shown is the provider’s choice.',
    reasoning_content: 'Reasoning that another provider signed or closed proves nothing here.',
    service_tier: 'The tier is of another provider.',
    tool_choice: 'A tool’s name is at most 64 letters, digits, _ and -.',
    tool_schema: 'Arguments are an object, and at its top no alternatives of it.',
    tools: 'A tool’s name is at most 64 letters, digits, _ and -.',
    user: 'The name of a user is at most 64 characters.',
    top_k: 'The format has no such parameter.',
  },
  hints: new Set([
    ...['store', 'safety_identifier', 'prediction', 'trace', 'debug', 'cache_control', 'stream_options'],
    ...['prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'],
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
  keepAlive: ': keep-alive\n\n',
  streamContentType: 'text/event-stream; charset=utf-8',
  streamEncoding: 'utf8',
  decodeError,
  encodeError,
  encodeStreamError,
};
