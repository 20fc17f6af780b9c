import Anthropic from '@anthropic-ai/sdk';
import type { FinishReason } from '../../../lambda/domain/chat/event.ts';
import {
  type Caller,
  Collected,
  MOST_TOKENS,
  type Observation,
  PIXEL,
  PROMPT,
  SCHEMA,
  THINKING_TOKENS,
  TOOL,
  type Wish,
} from '../observation.ts';

const FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  refusal: 'refusal',
  pause_turn: 'pause',
};

const { parameters, ...named } = TOOL;
const WISHES: Readonly<Record<Wish, Partial<Anthropic.MessageCreateParams>>> = {
  tools: { tools: [{ ...named, input_schema: { ...parameters, type: 'object' } }] },
  image: {},
  reasoning: { thinking: { type: 'enabled', budget_tokens: THINKING_TOKENS } },
  schema: { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
};

const IMAGE: Anthropic.ImageBlockParam = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: PIXEL },
};

/** The `@anthropic-ai/sdk`, messages. */
export const askAnthropicMessages: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 });
  const text: Anthropic.TextBlockParam = { type: 'text', text: PROMPT };
  const body = {
    model,
    messages: [{ role: 'user' as const, content: wish === 'image' ? [text, IMAGE] : [text] }],
    max_tokens: MOST_TOKENS,
    ...(wish !== undefined && WISHES[wish]),
  };
  const message = stream
    ? await client.messages.stream(body).finalMessage()
    : await client.messages.create({ ...body, stream: false });
  const collected = new Collected();
  for (const [index, block] of message.content.entries()) readBlock(block, index, collected);
  collected.finish = FINISH[message.stop_reason ?? ''];
  collected.usage = usageOf(message.usage);
  return collected.observation;
};

function readBlock(block: Anthropic.ContentBlock, index: number, collected: Collected): void {
  if (block.type === 'text') collected.text += block.text;
  if (block.type === 'thinking') collected.reasoning += block.thinking;
  if (block.type === 'tool_use')
    collected.call(index, { name: block.name, text: JSON.stringify(block.input) });
}

/** Anthropic counts what its cache gave and took beside the input. */
function usageOf(usage: Anthropic.Usage): Observation['usage'] {
  const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  return { prompt: usage.input_tokens + cached, completion: usage.output_tokens };
}
