import { type Cohere, CohereClientV2 } from 'cohere-ai';
import type { FinishReason } from '../../../lambda/domain/chat/event.ts';
import {
  type Caller,
  Collected,
  MOST_TOKENS,
  PIXEL,
  PROMPT,
  SCHEMA,
  THINKING_TOKENS,
  TOOL,
  type Wish,
} from '../observation.ts';

const FINISH: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
};

const WISHES: Readonly<Record<Wish, Partial<Cohere.V2ChatRequest>>> = {
  tools: { tools: [{ type: 'function', function: TOOL }] },
  image: {},
  reasoning: { thinking: { type: 'enabled', tokenBudget: THINKING_TOKENS } },
  schema: { responseFormat: { type: 'json_object', jsonSchema: SCHEMA } },
};

/** The `cohere-ai` SDK, chat of the second API. */
export const askCohereChat: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new CohereClientV2({ token: key, environment: url });
  const options = { maxRetries: 0 };
  const image: Cohere.Content = { type: 'image_url', imageUrl: { url: `data:image/png;base64,${PIXEL}` } };
  const text: Cohere.Content = { type: 'text', text: PROMPT };
  const request: Cohere.V2ChatRequest = {
    model,
    messages: [{ role: 'user', content: wish === 'image' ? [text, image] : PROMPT }],
    maxTokens: MOST_TOKENS,
    ...(wish !== undefined && WISHES[wish]),
  };
  const collected = new Collected();
  if (stream)
    for await (const event of await client.chatStream(request, options)) readEvent(event, collected);
  else readWhole(await client.chat(request, options), collected);
  if (collected.finish === undefined) throw new Error('The answer ended without a proper finish reason.');
  return collected.observation;
};

function readWhole({ message, finishReason, usage }: Cohere.V2ChatResponse, collected: Collected): void {
  collected.reasoning += message.toolPlan ?? '';
  for (const item of message.content ?? []) {
    if (item.type === 'text') collected.text += item.text;
    if (item.type === 'thinking') collected.reasoning += item.thinking;
  }
  for (const [index, call] of (message.toolCalls ?? []).entries())
    collected.call(index, { name: call.function?.name, text: call.function?.arguments });
  collected.finish = FINISH[finishReason];
  collected.usage = usageOf(usage);
}

function readEvent(event: Cohere.V2ChatStreamResponse, collected: Collected): void {
  switch (event.type) {
    case 'content-delta':
      collected.text += event.delta?.message?.content?.text ?? '';
      collected.reasoning += event.delta?.message?.content?.thinking ?? '';
      return;
    case 'tool-plan-delta':
      collected.reasoning += event.delta?.message?.toolPlan ?? '';
      return;
    case 'tool-call-start': {
      const call = event.delta?.message?.toolCalls?.function;
      collected.call(event.index ?? 0, { name: call?.name, text: call?.arguments });
      return;
    }
    case 'tool-call-delta':
      collected.call(event.index ?? 0, { text: event.delta?.message?.toolCalls?.function?.arguments });
      return;
    case 'message-end':
      collected.finish = FINISH[event.delta?.finishReason ?? ''];
      collected.usage = usageOf(event.delta?.usage);
      return;
    default:
  }
}

/** What Cohere charges: it adds a template of its own to the prompt, which it counts among `tokens` only. */
function usageOf(usage: Cohere.Usage | undefined): Collected['usage'] {
  const { inputTokens, outputTokens } = usage?.billedUnits ?? {};
  return inputTokens === undefined ? undefined : { prompt: inputTokens, completion: outputTokens ?? 0 };
}
