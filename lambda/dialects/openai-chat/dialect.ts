import type { Dialect } from '../dialect.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { SSE_STREAM } from '../sse.ts';
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
    native_content: 'The content means something in its own dialect only.',
    provider_file: 'The file is kept by another provider.',
    reasoning: 'Whether a model thinks at all is its own choice.',
    reasoning_display: 'Whether reasoning is shown is the provider’s choice.',
    reasoning_content:
      'What another provider reasoned proves nothing here, and some providers take nothing back.',
    service_tier: 'The tier is of another provider.',
    tool_choice: 'A tool’s name is at most 64 letters, digits, _ and -.',
    tool_schema: 'Arguments are an object, and at its top no alternatives of it.',
    tools: 'A tool’s name is at most 64 letters, digits, _ and -.',
    user: 'The name of a user is at most 64 characters.',
    top_k: 'The format has no such parameter.',
    temperature: 'Models that reason take none.',
    top_p: 'Models that reason take none.',
  },
  hints: new Set([
    ...['store', 'safety_identifier', 'prediction', 'trace', 'debug', 'cache_control', 'stream_options'],
    ...['prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'],
  ]),
  harmless: new Set([
    ...['audio', 'cache_control', 'debug', 'function_call', 'functions', 'min_p', 'prompt_cache_key'],
    ...['prompt_cache_options', 'prompt_cache_retention', 'repetition_penalty', 'response_format', 'route'],
    ...[
      'safety_identifier',
      'stop_server_tools_when',
      'store',
      'tool_choice',
      'top_a',
      'trace',
      'transforms',
    ],
    // Of other servers that speak the format: how a token is chosen, and what of the answer is shown.
    ...['disable_search', 'do_sample', 'guided_choice', 'guided_grammar', 'guided_json', 'guided_regex'],
    ...['ignore_eos', 'include_reasoning', 'include_stop_str_in_output', 'length_penalty', 'min_tokens'],
    ...['mirostat_lr', 'mirostat_target', 'prompt_mode', 'random_seed', 'reasoning_format'],
    ...['return_related_questions', 'safe_prompt', 'search_domain_filter', 'search_recency_filter'],
    ...['skip_special_tokens', 'stop_token_ids', 'structured_outputs', 'typical_p'],
    // Of a conversation: what stands in the body, and what SDKs send back of an answer.
    ...['messages.annotations', 'messages.id', 'messages.partial', 'messages.prefix'],
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
