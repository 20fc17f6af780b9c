import OpenAI from 'openai';
import type {
  Response,
  ResponseCreateParams,
  ResponseInputContent,
  ResponseOutputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import {
  type Caller,
  Collected,
  MOST_TOKENS,
  type Observation,
  PIXEL,
  PROMPT,
  SCHEMA,
  TOOL,
  type Wish,
} from '../observation.ts';

const WISHES: Readonly<Record<Wish, Partial<ResponseCreateParams>>> = {
  tools: { tools: [{ type: 'function', ...TOOL, strict: false }] },
  image: {},
  reasoning: { reasoning: { effort: 'low', summary: 'auto' } },
  schema: { text: { format: { type: 'json_schema', name: 'answer', schema: SCHEMA, strict: true } } },
};

const IMAGE: ResponseInputContent = {
  type: 'input_image',
  image_url: `data:image/png;base64,${PIXEL}`,
  detail: 'auto',
};

/** The `openai` SDK, responses. */
export const askOpenaiResponses: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
  const text: ResponseInputContent = { type: 'input_text', text: PROMPT };
  const body = {
    model,
    input: [{ role: 'user' as const, content: wish === 'image' ? [text, IMAGE] : [text] }],
    max_output_tokens: MOST_TOKENS,
    store: false,
    ...(wish !== undefined && WISHES[wish]),
  };
  if (!stream) return observed(await client.responses.create({ ...body, stream: false }));
  return readStream(await client.responses.create({ ...body, stream: true }));
};

async function readStream(events: AsyncIterable<ResponseStreamEvent>): Promise<Observation> {
  let streamed = '';
  let final: Response | undefined;
  for await (const event of events) {
    switch (event.type) {
      case 'response.output_text.delta':
        streamed += event.delta;
        break;
      case 'response.failed':
        throw new Error(event.response.error?.message ?? 'The response failed.');
      case 'error':
        throw new Error(event.message);
      case 'response.completed':
      case 'response.incomplete':
        final = event.response;
        break;
      default:
    }
  }
  if (final === undefined) throw new Error('The stream ended without an end.');
  const observation = observed(final);
  if (observation.text !== streamed) throw new Error('The deltas are not the answer.');
  return observation;
}

function observed({ output, usage, status, incomplete_details: incomplete }: Response): Observation {
  const collected = new Collected();
  for (const [index, item] of output.entries()) readItem(item, index, collected);
  if (usage) collected.usage = { prompt: usage.input_tokens, completion: usage.output_tokens };
  const { observation } = collected;
  const ended = observation.tools.length > 0 ? 'tool-calls' : 'stop';
  const cut = incomplete?.reason === 'content_filter' ? 'content-filter' : 'length';
  return { ...observation, finish: status === 'incomplete' ? cut : ended };
}

function readItem(item: ResponseOutputItem, index: number, collected: Collected): void {
  switch (item.type) {
    case 'function_call':
      collected.call(index, { name: item.name, text: item.arguments });
      return;
    case 'reasoning':
      collected.reasoning += [...item.summary, ...(item.content ?? [])].map(({ text }) => text).join('');
      return;
    case 'message':
      for (const part of item.content) if (part.type === 'output_text') collected.text += part.text;
      return;
    default:
  }
}
