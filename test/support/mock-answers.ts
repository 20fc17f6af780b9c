import type { MockScript } from './mock-script.ts';

export type MockApi = 'openai' | 'anthropic';

/** One piece of a stream; `isText` counts towards the chunks of a script. */
export interface MockPiece {
  readonly text: string;
  readonly isText?: true;
}

export const MOCK_PROMPT_TOKENS = 21;
export const MOCK_CACHED_TOKENS = 4;
/** Only Anthropic reports these. */
export const MOCK_CACHE_WRITE_TOKENS = 5;
export const MOCK_REASONING: readonly string[] = ['let ', 'me ', 'think'];
export const MOCK_SIGNATURE = 'c2lnbmF0dXJl';
export const MOCK_TOOL_CALLS: readonly { readonly name: string; readonly input: object }[] = [
  { name: 'get_weather', input: { city: 'Zürich', unit: 'celsius' } },
  { name: 'get_time', input: {} },
];

/** A field no SDK knows, with a number no double holds: in every whole answer and every OpenAI chunk. */
const UNKNOWN_FIELD = '"x_mock":{"exact":9007199254740993}';
const BYTES_A_PIECE = 7;

/** The text of an answer of so many chunks. */
export const mockText = (chunks: number, bytes = 0): string => mockWords(chunks, bytes).join('');

const mockWords = (chunks: number, bytes: number): string[] =>
  Array.from({ length: chunks }, (_, index) => `w${index} `.padEnd(bytes, 'x'));

/** How an answer ends: the script's end, or the request's own limit if that comes first. */
interface Length {
  readonly chunks: number;
  readonly isCut: boolean;
}

function lengthOf(script: MockScript, limit: unknown): Length {
  const isCut = typeof limit === 'number' && limit < script.chunks;
  return { chunks: isCut ? limit : script.chunks, isCut };
}

/** A request's fields that the mock reads. */
export interface MockRequestBody {
  readonly model?: unknown;
  readonly stream?: unknown;
  readonly max_tokens?: unknown;
  readonly max_completion_tokens?: unknown;
  readonly stream_options?: { readonly include_usage?: unknown };
}

/** A whole answer. */
export const wholeAnswer = (api: MockApi, script: MockScript, body: MockRequestBody): string =>
  api === 'openai' ? openaiAnswer(script, body) : anthropicAnswer(script, body);

/** A streamed answer, piece by piece. */
export const streamedAnswer = (api: MockApi, script: MockScript, body: MockRequestBody): MockPiece[] =>
  api === 'openai' ? openaiPieces(script, body) : anthropicPieces(script, body);

/** A refusal, as a body or inside a stream. */
export function errorText(api: MockApi, status: number): string {
  const type = ERROR_TYPES[status] ?? (api === 'openai' ? 'server_error' : 'api_error');
  const message = `mock ${status}`;
  return JSON.stringify(
    api === 'openai'
      ? { error: { message, type, param: null, code: status === 429 ? 'rate_limit_exceeded' : null } }
      : { type: 'error', error: { type, message }, request_id: 'req_mock' },
  );
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

const withUnknownField = (value: object): string => `${JSON.stringify(value).slice(0, -1)},${UNKNOWN_FIELD}}`;

const piecesOf = (text: string): string[] =>
  Array.from({ length: Math.ceil(text.length / BYTES_A_PIECE) }, (_, index) =>
    text.slice(index * BYTES_A_PIECE, (index + 1) * BYTES_A_PIECE),
  );

function openaiUsage({ kind }: MockScript, chunks: number): object {
  const reasoning = kind === 'think' ? MOCK_REASONING.length : 0;
  return {
    prompt_tokens: MOCK_PROMPT_TOKENS,
    completion_tokens: chunks + reasoning,
    total_tokens: MOCK_PROMPT_TOKENS + chunks + reasoning,
    prompt_tokens_details: { cached_tokens: MOCK_CACHED_TOKENS },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

const openaiLimit = (body: MockRequestBody): unknown => body.max_completion_tokens ?? body.max_tokens;
const openaiFinish = ({ kind }: MockScript, { isCut }: Length): string =>
  isCut ? 'length' : kind === 'tools' ? 'tool_calls' : 'stop';

function openaiAnswer(script: MockScript, body: MockRequestBody): string {
  const length = lengthOf(script, openaiLimit(body));
  const isTools = script.kind === 'tools';
  return withUnknownField({
    id: 'chatcmpl-mock',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: body.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: isTools ? null : mockText(length.chunks, script.bytes),
          refusal: null,
          ...(script.kind === 'think' && { reasoning_content: MOCK_REASONING.join('') }),
          ...(isTools && {
            tool_calls: MOCK_TOOL_CALLS.map(({ name, input }, index) => ({
              id: `call_${index}`,
              type: 'function',
              function: { name, arguments: JSON.stringify(input) },
            })),
          }),
        },
        logprobs: null,
        finish_reason: openaiFinish(script, length),
      },
    ],
    ...(script.hasUsage && { usage: openaiUsage(script, length.chunks) }),
  });
}

function openaiPieces(script: MockScript, body: MockRequestBody): MockPiece[] {
  const length = lengthOf(script, openaiLimit(body));
  const base = {
    id: 'chatcmpl-mock',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: body.model,
  };
  const event = (value: object): string => `data: ${withUnknownField({ ...base, ...value })}\n\n`;
  const chunk = (delta: object, finish: string | null = null): string =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  const reasoning = script.kind === 'think' ? MOCK_REASONING : [];
  const words = script.kind === 'tools' ? [] : mockWords(length.chunks, script.bytes);
  const calls = script.kind === 'tools' ? MOCK_TOOL_CALLS : [];
  const wantsUsage = script.hasUsage && body.stream_options?.include_usage === true;
  return [
    { text: chunk({ role: 'assistant', content: '', refusal: null }) },
    ...reasoning.map((word) => ({ text: chunk({ reasoning_content: word }) })),
    ...words.map((content) => ({ text: chunk({ content }), isText: true as const })),
    ...calls.flatMap(({ name, input }, index) => [
      {
        text: chunk({
          tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }],
        }),
        isText: true as const,
      },
      ...piecesOf(JSON.stringify(input)).map((piece) => ({
        text: chunk({ tool_calls: [{ index, function: { arguments: piece } }] }),
      })),
    ]),
    { text: chunk({}, openaiFinish(script, length)) },
    ...(wantsUsage ? [{ text: event({ choices: [], usage: openaiUsage(script, length.chunks) }) }] : []),
    { text: 'data: [DONE]\n\n' },
  ];
}

const ANTHROPIC_INPUT_USAGE = {
  input_tokens: MOCK_PROMPT_TOKENS,
  cache_creation_input_tokens: MOCK_CACHE_WRITE_TOKENS,
  cache_read_input_tokens: MOCK_CACHED_TOKENS,
};

const anthropicOutput = ({ kind }: MockScript, chunks: number): number =>
  chunks + (kind === 'think' ? MOCK_REASONING.length : 0);
const anthropicStop = ({ kind }: MockScript, { isCut }: Length): string =>
  isCut ? 'max_tokens' : kind === 'tools' ? 'tool_use' : 'end_turn';

function anthropicAnswer(script: MockScript, body: MockRequestBody): string {
  const length = lengthOf(script, body.max_tokens);
  const thinking = {
    type: 'thinking',
    thinking: MOCK_REASONING.join(''),
    signature: MOCK_SIGNATURE,
  };
  const calls = MOCK_TOOL_CALLS.map(({ name, input }, index) => ({
    type: 'tool_use',
    id: `toolu_${index}`,
    name,
    input,
  }));
  return withUnknownField({
    id: 'msg_mock',
    type: 'message',
    role: 'assistant',
    model: body.model,
    content: [
      ...(script.kind === 'think' ? [thinking] : []),
      ...(script.kind === 'tools' ? calls : [{ type: 'text', text: mockText(length.chunks, script.bytes) }]),
    ],
    stop_reason: anthropicStop(script, length),
    stop_sequence: null,
    ...(script.hasUsage && {
      usage: { ...ANTHROPIC_INPUT_USAGE, output_tokens: anthropicOutput(script, length.chunks) },
    }),
  });
}

function anthropicPieces(script: MockScript, body: MockRequestBody): MockPiece[] {
  const length = lengthOf(script, body.max_tokens);
  const event = (type: string, value: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
  let index = -1;
  const block = (start: object, deltas: readonly MockPiece[]): MockPiece[] => {
    index += 1;
    return [
      { text: event('content_block_start', { index, content_block: start }) },
      ...deltas,
      { text: event('content_block_stop', { index }) },
    ];
  };
  const delta = (type: string, value: object): MockPiece => ({
    // The block begins only once its deltas are made.
    text: event('content_block_delta', { index: index + 1, delta: { type, ...value } }),
  });
  const pieces: MockPiece[] = [
    {
      text: event('message_start', {
        message: {
          id: 'msg_mock',
          type: 'message',
          role: 'assistant',
          model: body.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: script.hasUsage
            ? { ...ANTHROPIC_INPUT_USAGE, output_tokens: 1 }
            : { input_tokens: 0, output_tokens: 0 },
        },
      }),
    },
    { text: event('ping', {}) },
  ];
  if (script.kind === 'think')
    pieces.push(
      ...block({ type: 'thinking', thinking: '', signature: '' }, [
        ...MOCK_REASONING.map((thinking) => delta('thinking_delta', { thinking })),
        delta('signature_delta', { signature: MOCK_SIGNATURE }),
      ]),
    );
  if (script.kind === 'tools')
    for (const [position, { name, input }] of MOCK_TOOL_CALLS.entries())
      pieces.push(
        ...block({ type: 'tool_use', id: `toolu_${position}`, name, input: {} }, [
          { ...delta('input_json_delta', { partial_json: '' }), isText: true },
          ...piecesOf(Object.keys(input).length === 0 ? '' : JSON.stringify(input)).map((piece) =>
            delta('input_json_delta', { partial_json: piece }),
          ),
        ]),
      );
  else
    pieces.push(
      ...block(
        { type: 'text', text: '' },
        mockWords(length.chunks, script.bytes).map((text) => ({
          ...delta('text_delta', { text }),
          isText: true,
        })),
      ),
    );
  pieces.push({
    text: event('message_delta', {
      delta: { stop_reason: anthropicStop(script, length), stop_sequence: null },
      ...(script.hasUsage && { usage: { output_tokens: anthropicOutput(script, length.chunks) } }),
    }),
  });
  pieces.push({ text: event('message_stop', {}) });
  return pieces;
}
