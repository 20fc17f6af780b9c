import {
  BedrockRuntimeClient,
  type ContentBlock,
  type ContentBlockDeltaEvent,
  type ContentBlockStartEvent,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  type TokenUsage,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
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
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  content_filtered: 'content-filter',
  guardrail_intervened: 'content-filter',
};

const { parameters, ...named } = TOOL;
const WISHES: Readonly<Record<Wish, Partial<ConverseCommandInput>>> = {
  tools: { toolConfig: { tools: [{ toolSpec: { ...named, inputSchema: { json: parameters } } }] } },
  image: {},
  reasoning: {
    additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: THINKING_TOKENS } },
  },
  schema: {
    outputConfig: {
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(SCHEMA) } },
      },
    },
  },
};

const IMAGE: ContentBlock = { image: { format: 'png', source: { bytes: Buffer.from(PIXEL, 'base64') } } };

/** The AWS SDK's Bedrock runtime client, Converse. */
export const askBedrockConverse: Caller = async ({ url, key, model, stream, wish }) => {
  const client = new BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    token: { token: key },
    authSchemePreference: ['httpBearerAuth'],
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
  const input: ConverseCommandInput = {
    modelId: model,
    messages: [{ role: 'user', content: wish === 'image' ? [{ text: PROMPT }, IMAGE] : [{ text: PROMPT }] }],
    inferenceConfig: { maxTokens: MOST_TOKENS },
    ...(wish !== undefined && WISHES[wish]),
  };
  const collected = new Collected();
  if (stream) await readStream(client, input, collected);
  else await readWhole(client, input, collected);
  return collected.observation;
};

async function readWhole(
  client: BedrockRuntimeClient,
  input: ConverseCommandInput,
  collected: Collected,
): Promise<void> {
  const { output, stopReason, usage } = await client.send(new ConverseCommand(input));
  for (const [index, block] of (output?.message?.content ?? []).entries()) {
    collected.text +=
      block.text ?? block.citationsContent?.content?.map(({ text }) => text ?? '').join('') ?? '';
    collected.reasoning += block.reasoningContent?.reasoningText?.text ?? '';
    if (block.toolUse !== undefined)
      collected.call(index, { name: block.toolUse.name, text: JSON.stringify(block.toolUse.input) });
  }
  collected.finish = FINISH[stopReason ?? ''];
  collected.usage = usageOf(usage);
}

async function readStream(
  client: BedrockRuntimeClient,
  input: ConverseCommandInput,
  collected: Collected,
): Promise<void> {
  const answer = await client.send(new ConverseStreamCommand(input));
  for await (const event of answer.stream ?? []) {
    const { contentBlockStart: start, contentBlockDelta: delta, messageStop: stop, metadata } = event;
    if (start !== undefined) readStart(start, collected);
    if (delta !== undefined) readDelta(delta, collected);
    if (stop !== undefined) collected.finish = FINISH[stop.stopReason ?? ''];
    if (metadata !== undefined) collected.usage = usageOf(metadata.usage);
  }
  if (collected.finish === undefined) throw new Error('The stream ended without a stop reason.');
}

function readStart({ contentBlockIndex = 0, start }: ContentBlockStartEvent, collected: Collected): void {
  // What the provider runs itself is nothing for the application to do.
  if (start?.toolUse === undefined || start.toolUse.type === 'server_tool_use') return;
  collected.call(contentBlockIndex, { name: start.toolUse.name });
}

function readDelta({ contentBlockIndex = 0, delta }: ContentBlockDeltaEvent, collected: Collected): void {
  collected.text += delta?.text ?? '';
  collected.reasoning += delta?.reasoningContent?.text ?? '';
  if (delta?.toolUse !== undefined && collected.knowsCall(contentBlockIndex))
    collected.call(contentBlockIndex, { text: delta.toolUse.input });
}

/** Bedrock counts what its cache gave and took beside the input. */
function usageOf(usage: TokenUsage | undefined): Collected['usage'] {
  if (usage?.inputTokens === undefined) return undefined;
  const cached = (usage.cacheReadInputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0);
  return { prompt: usage.inputTokens + cached, completion: usage.outputTokens ?? 0 };
}
