import * as z from 'zod/mini';
import { parseJson } from '../../domain/json.ts';
import type { SimulatedPrompt, SimulatedTool } from '../simulation/prompt.ts';
import { countTokens, IMAGE_TOKENS } from '../simulation/tokens.ts';

const block = z.looseObject({ type: z.string() });
const textBlock = z.looseObject({ type: z.literal('text'), text: z.string() });
const resultBlock = z.looseObject({
  type: z.literal('tool_result'),
  content: z.optional(z.union([z.string(), z.array(block)])),
});
const callBlock = z.looseObject({ type: z.literal('tool_use'), name: z.string(), input: z.json() });
const content = z.union([z.string(), z.array(block)]);
const message = z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content });
const requestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(message).check(z.minLength(1)),
  max_tokens: z.int().check(z.positive()),
  system: z.optional(content),
  stream: z.optional(z.boolean()),
  stop_sequences: z.optional(z.array(z.string())),
  tools: z.optional(
    z.array(z.looseObject({ name: z.string(), input_schema: z.optional(z.record(z.string(), z.json())) })),
  ),
  tool_choice: z.optional(
    z.looseObject({
      type: z.string(),
      name: z.optional(z.string()),
      disable_parallel_tool_use: z.optional(z.boolean()),
    }),
  ),
});

type MessagesBody = z.output<typeof requestSchema>;
type Content = z.output<typeof content>;

/** @returns what is wrong with the body, where something is */
export function parseMessages(text: string): SimulatedPrompt | { readonly problem: string } {
  const parsed = requestSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { problem: `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}` };
  }
  const body = parsed.data;
  const last = body.messages.at(-1)?.content;
  const asked = body.messages.findLast((turn) => turn.role === 'user' && textOf(turn.content) !== '');
  return {
    model: body.model,
    question: textOf(asked?.content),
    toolResults: toolResults(last),
    tools: callableTools(body),
    allowsParallelCalls: body.tool_choice?.disable_parallel_tool_use !== true,
    answerSchema: undefined,
    maxTokens: body.max_tokens,
    stop: body.stop_sequences ?? [],
    stream: body.stream === true,
    promptTokens: promptTokens(body),
  };
}

function textOf(value: Content | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return value.map((item) => textBlock.safeParse(item).data?.text ?? '').join('');
}

function toolResults(value: Content | undefined): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) => {
    const result = resultBlock.safeParse(item);
    return result.success ? [textOf(result.data.content)] : [];
  });
}

function callableTools(body: MessagesBody): readonly SimulatedTool[] {
  const choice = body.tool_choice;
  if (choice?.type === 'none') return [];
  return (body.tools ?? [])
    .filter(({ name }) => choice?.name === undefined || name === choice.name)
    .map(({ name, input_schema: schema = {} }) => ({ name, schema }));
}

function promptTokens(body: MessagesBody): number {
  const tools = (body.tools ?? []).map((definition) => countTokens(JSON.stringify(definition)));
  const turns = body.messages.map((turn) => contentTokens(turn.content));
  return [contentTokens(body.system), ...turns, ...tools].reduce((sum, tokens) => sum + tokens, 0);
}

function contentTokens(value: Content | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === 'string') return countTokens(value);
  return value.reduce((sum, item) => sum + blockTokens(item), 0);
}

function blockTokens(item: z.output<typeof block>): number {
  const result = resultBlock.safeParse(item);
  if (result.success) return contentTokens(result.data.content);
  const call = callBlock.safeParse(item);
  if (call.success) return countTokens(call.data.name) + countTokens(JSON.stringify(call.data.input));
  return item.type === 'image' ? IMAGE_TOKENS : countTokens(textOf([item]));
}
