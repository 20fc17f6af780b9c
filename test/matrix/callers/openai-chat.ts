import OpenAI from 'openai';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionContentPart,
  ChatCompletionCreateParams,
} from 'openai/resources';
import type { FinishReason } from '../../../lambda/domain/chat/event.ts';
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

const FINISH: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
};

const WISHES: Readonly<Record<Wish, Partial<ChatCompletionCreateParams>>> = {
  tools: { tools: [{ type: 'function', function: TOOL }] },
  image: {},
  reasoning: { reasoning_effort: 'low' },
  schema: {
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA, strict: true } },
  },
};

const IMAGE: ChatCompletionContentPart = {
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${PIXEL}` },
};

/** Reasoning as the compatible providers name it; the SDK's types do not know it. */
interface WithReasoning {
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
}

/** The `openai` SDK, chat completions. */
export const askOpenaiChat: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
  const text: ChatCompletionContentPart = { type: 'text', text: PROMPT };
  const body = {
    model,
    messages: [{ role: 'user' as const, content: wish === 'image' ? [text, IMAGE] : [text] }],
    max_completion_tokens: MOST_TOKENS,
    ...(wish !== undefined && WISHES[wish]),
  };
  if (!stream) return readWhole(await client.chat.completions.create({ ...body, stream: false }));
  return readStream(
    await client.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
};

function readWhole({ choices, usage }: ChatCompletion): Observation {
  const collected = new Collected();
  const [choice] = choices;
  collected.text = choice?.message.content ?? '';
  collected.reasoning = reasoningOf(Object(choice?.message));
  collected.finish = FINISH[choice?.finish_reason ?? ''];
  for (const [index, call] of (choice?.message.tool_calls ?? []).entries())
    if (call.type === 'function')
      collected.call(index, { name: call.function.name, text: call.function.arguments });
  collected.usage = usageOf(usage);
  return collected.observation;
}

async function readStream(chunks: AsyncIterable<ChatCompletionChunk>): Promise<Observation> {
  const collected = new Collected();
  for await (const { choices, usage } of chunks) {
    collected.usage = usageOf(usage) ?? collected.usage;
    for (const choice of choices) readChoice(choice, collected);
  }
  if (collected.finish === undefined) throw new Error('The stream ended without a finish reason.');
  return collected.observation;
}

function readChoice(
  { delta, finish_reason: reason }: ChatCompletionChunk.Choice,
  collected: Collected,
): void {
  collected.text += delta.content ?? '';
  collected.reasoning += reasoningOf(Object(delta));
  for (const call of delta.tool_calls ?? [])
    collected.call(call.index, { name: call.function?.name, text: call.function?.arguments });
  if (reason !== null) collected.finish = FINISH[reason];
}

const usageOf = (usage: OpenAI.CompletionUsage | null | undefined): Observation['usage'] =>
  usage ? { prompt: usage.prompt_tokens, completion: usage.completion_tokens } : undefined;

const reasoningOf = (delta: WithReasoning): string => delta.reasoning_content ?? delta.reasoning ?? '';
