import type { JsonObject } from '../../../lambda/domain/json.ts';
import {
  inPieces,
  listAt,
  MOCK_USAGE,
  type MockFormat,
  type MockReply,
  namedEvent,
  objectAt,
  PROMPT_TOKENS,
  TOTAL_TOKENS,
  textAt,
  valueAt,
} from './turn.ts';

const USAGE = {
  input_tokens: PROMPT_TOKENS,
  input_tokens_details: { cached_tokens: MOCK_USAGE.cacheRead },
  output_tokens: MOCK_USAGE.completion,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: TOTAL_TOKENS,
};

type Event = JsonObject & { readonly type: string };

/** @see https://platform.openai.com/docs/api-reference/responses-streaming */
export const OPENAI_RESPONSES: MockFormat = {
  dialect: 'openai-responses',
  path: /\/responses$/,
  readTurn: (body) => ({
    tools: listAt(body, 'tools')
      .filter((tool) => textAt(tool, 'type') === 'function')
      .map((tool) => ({ name: textAt(tool, 'name'), schema: objectAt(tool, 'parameters') })),
    toolResults: listAt(body, 'input')
      .filter((item) => textAt(item, 'type') === 'function_call_output')
      .map((item) => JSON.stringify(valueAt(item, 'output') ?? null)),
    wantsProof: listAt(body, 'include').includes('reasoning.encrypted_content'),
  }),
  isStreamed: (body) => body['stream'] === true,
  wholeAnswer: (reply, model) => response(model, 'completed', outputs(reply)),
  streamedAnswer(reply, model) {
    const items = outputs(reply);
    const events: readonly Event[] = [
      { type: 'response.created', response: response(model, 'in_progress', []) },
      { type: 'response.in_progress', response: response(model, 'in_progress', []) },
      ...items.flatMap((item, index) => itemEvents(item, index)),
      { type: 'response.completed', response: response(model, 'completed', items) },
    ];
    return events.map((event, sequence) => namedEvent({ ...event, sequence_number: sequence }));
  },
};

const response = (model: string, status: string, output: readonly JsonObject[]): JsonObject => ({
  id: 'resp_mock',
  object: 'response',
  created_at: 1_700_000_000,
  status,
  model,
  output,
  error: null,
  incomplete_details: null,
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
  usage: status === 'completed' ? USAGE : null,
});

function outputs(reply: MockReply): readonly JsonObject[] {
  if (reply.type === 'text')
    return [
      {
        type: 'message',
        id: 'msg_mock',
        role: 'assistant',
        status: 'completed',
        content: [textPart(reply.text)],
      },
    ];
  const call = {
    type: 'function_call',
    id: 'fc_mock',
    call_id: reply.id,
    name: reply.name,
    arguments: JSON.stringify(reply.arguments),
    status: 'completed',
  };
  if (reply.proof === undefined) return [call];
  return [{ type: 'reasoning', id: 'rs_mock', summary: [], encrypted_content: reply.proof }, call];
}

const textPart = (text: string): JsonObject => ({ type: 'output_text', text, annotations: [], logprobs: [] });

function itemEvents(item: JsonObject, index: number): readonly Event[] {
  const place = { item_id: textAt(item, 'id'), output_index: index };
  return [
    { type: 'response.output_item.added', output_index: index, item: begun(item) },
    ...contentEvents(item, place),
    { type: 'response.output_item.done', output_index: index, item },
  ];
}

/** An item as it is when it begins: nothing in it yet. */
function begun(item: JsonObject): JsonObject {
  if (item['type'] === 'message') return { ...item, status: 'in_progress', content: [] };
  if (item['type'] === 'function_call') return { ...item, status: 'in_progress', arguments: '' };
  return item;
}

function contentEvents(item: JsonObject, place: JsonObject): readonly Event[] {
  if (item['type'] === 'function_call') {
    const text = textAt(item, 'arguments');
    return [
      ...inPieces(text).map((delta) => ({
        type: 'response.function_call_arguments.delta',
        ...place,
        delta,
      })),
      { type: 'response.function_call_arguments.done', ...place, arguments: text },
    ];
  }
  if (item['type'] !== 'message') return [];
  const [part] = listAt(item, 'content');
  const text = textAt(part, 'text');
  const inPart = { ...place, content_index: 0 };
  return [
    { type: 'response.content_part.added', ...inPart, part: textPart('') },
    ...inPieces(text).map((delta) => ({
      type: 'response.output_text.delta',
      ...inPart,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...inPart, text, logprobs: [] },
    { type: 'response.content_part.done', ...inPart, part: textPart(text) },
  ];
}
