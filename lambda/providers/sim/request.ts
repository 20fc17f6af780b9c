import * as z from 'zod/mini';
import { isJsonObject, type JsonObject, parseJson } from '../../domain/json.ts';
import type { SimulatedPrompt, SimulatedTool } from '../simulation/prompt.ts';
import { countTokens, IMAGE_TOKENS } from '../simulation/tokens.ts';

const part = z.looseObject({ type: z.string(), text: z.optional(z.string()) });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.nullish(z.union([z.string(), z.array(part)])),
  tool_calls: z.nullish(
    z.array(
      z.looseObject({
        function: z.optional(z.looseObject({ name: z.string(), arguments: z.string() })),
      }),
    ),
  ),
});
const tool = z.looseObject({
  type: z.string(),
  function: z.optional(
    z.looseObject({ name: z.string(), parameters: z.optional(z.record(z.string(), z.json())) }),
  ),
});
const limit = z.nullish(z.int().check(z.positive()));
const requestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(message).check(z.minLength(1)),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(z.looseObject({ include_usage: z.optional(z.boolean()) })),
  n: z.nullish(z.int().check(z.positive(), z.maximum(128))),
  max_tokens: limit,
  max_completion_tokens: limit,
  stop: z.nullish(z.union([z.string(), z.array(z.string())])),
  tools: z.nullish(z.array(tool)),
  tool_choice: z.nullish(
    z.union([z.string(), z.looseObject({ function: z.optional(z.looseObject({ name: z.string() })) })]),
  ),
  parallel_tool_calls: z.nullish(z.boolean()),
  response_format: z.nullish(
    z.looseObject({
      type: z.string(),
      json_schema: z.optional(z.looseObject({ schema: z.optional(z.record(z.string(), z.json())) })),
    }),
  ),
});

type ChatBody = z.output<typeof requestSchema>;
type ChatMessage = z.output<typeof message>;

/** A request in OpenAI's chat format, as far as a simulated model reads it. */
export interface SimulatedChat extends SimulatedPrompt {
  readonly choices: number;
  readonly includeUsage: boolean;
}

const embeddingText = z.string().check(z.minLength(1));
const embeddingSchema = z.looseObject({
  model: z.string(),
  input: z.union([embeddingText, z.array(embeddingText).check(z.minLength(1))]),
});

/** What is to be embedded. @returns what is wrong with the body, where something is */
export function parseEmbedding(
  text: string,
): { readonly model: string; readonly inputs: readonly string[] } | { readonly problem: string } {
  const parsed = embeddingSchema.safeParse(parseJson(text));
  if (!parsed.success) return problemOf(parsed.error);
  const { model, input } = parsed.data;
  return { model, inputs: typeof input === 'string' ? [input] : input };
}

/** @returns what is wrong with the body, where something is */
export function parseChat(text: string): SimulatedChat | { readonly problem: string } {
  const parsed = requestSchema.safeParse(parseJson(text));
  if (!parsed.success) return problemOf(parsed.error);
  const body = parsed.data;
  return {
    model: body.model,
    question: textOf(body.messages.findLast(({ role }) => role === 'user')),
    toolResults: trailingToolResults(body.messages),
    tools: callableTools(body),
    allowsParallelCalls: body.parallel_tool_calls !== false,
    answerSchema: answerSchema(body),
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    stream: body.stream === true,
    promptTokens: promptTokens(body),
    choices: body.n ?? 1,
    includeUsage: body.stream_options?.include_usage === true,
  };
}

function problemOf({ issues: [issue] }: z.core.$ZodError): { readonly problem: string } {
  return { problem: `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}` };
}

function textOf(turn: ChatMessage | undefined): string {
  const content = turn?.content;
  if (content === undefined || content === null) return '';
  return typeof content === 'string' ? content : content.map((item) => item.text ?? '').join('');
}

function trailingToolResults(messages: readonly ChatMessage[]): readonly string[] {
  const lastOther = messages.findLastIndex(({ role }) => role !== 'tool');
  return messages.slice(lastOther + 1).map(textOf);
}

function callableTools(body: ChatBody): readonly SimulatedTool[] {
  const choice = body.tool_choice;
  if (choice === 'none') return [];
  const wanted =
    isJsonObject(choice) && isJsonObject(choice['function']) ? choice['function']['name'] : undefined;
  return (body.tools ?? []).flatMap(({ function: definition }) =>
    definition === undefined || (wanted !== undefined && definition.name !== wanted)
      ? []
      : [{ name: definition.name, schema: definition.parameters ?? {} }],
  );
}

function answerSchema(body: ChatBody): JsonObject | undefined {
  const format = body.response_format;
  if (format?.type === 'json_schema') return format.json_schema?.schema ?? {};
  return format?.type === 'json_object'
    ? { type: 'object', properties: { answer: { type: 'string' } } }
    : undefined;
}

function promptTokens(body: ChatBody): number {
  const tools = (body.tools ?? []).map((definition) => countTokens(JSON.stringify(definition)));
  return [...body.messages.map(messageTokens), ...tools].reduce((sum, tokens) => sum + tokens, 0);
}

function messageTokens(turn: ChatMessage): number {
  const pictures = Array.isArray(turn.content)
    ? turn.content.filter(({ type }) => type === 'image_url').length
    : 0;
  const calls = (turn.tool_calls ?? []).map(({ function: call }) =>
    call === undefined ? 0 : countTokens(call.name) + countTokens(call.arguments),
  );
  return calls.reduce((sum, tokens) => sum + tokens, countTokens(textOf(turn)) + pictures * IMAGE_TOKENS);
}
