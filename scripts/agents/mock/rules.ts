import { isJsonObject, type Json, type JsonObject } from '../../../lambda/domain/json.ts';
import { listAt, type MockFormat, objectAt, textAt, valueAt } from './turn.ts';

/**
 * What the real provider would refuse in a request: only rules that its documentation or its own SDK's types state, and
 * that an agent's conversation can come to break on its way through another format.
 */
export function brokenRules(dialect: MockFormat['dialect'], body: JsonObject): readonly string[] {
  const unknown = Object.keys(body).filter((name) => !FIELDS[dialect].has(name));
  return [...unknown.map((name) => `unknown field ${name}`), ...CONVERSATION_RULES[dialect](body)];
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Fields of a request's body. The first three are those of the SDKs' types, beta ones included. */
const FIELDS: Readonly<Record<MockFormat['dialect'], ReadonlySet<string>>> = {
  /** @see https://platform.openai.com/docs/api-reference/chat/create */
  'openai-chat': words(`messages model audio frequency_penalty function_call functions logit_bias logprobs
    max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed
    service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
    web_search_options`),
  /** Codex sends `client_metadata` besides. @see https://platform.openai.com/docs/api-reference/responses/create */
  'openai-responses':
    words(`access_programs background client_metadata context_management conversation image include
    input instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
    previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
    safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p
    truncation user`),
  /** @see https://docs.anthropic.com/en/api/messages */
  'anthropic-messages': words(`max_tokens messages model billing_policy cache_control compaction container
    context_management diagnostics fallback_credit_token fallbacks inference_geo mcp_servers metadata output_config
    output_format service_tier speed stop_sequences stream system temperature thinking thread tool_choice tools top_k
    top_p`),
  /** @see https://ai.google.dev/api/generate-content#request-body */
  gemini:
    words(`model contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent
    serviceTier store`),
};

const CONVERSATION_RULES: Readonly<Record<MockFormat['dialect'], (body: JsonObject) => readonly string[]>> = {
  'openai-chat': (body) => {
    const messages = listAt(body, 'messages');
    const names = listAt(body, 'tools').map((tool) => textAt(tool, 'function', 'name'));
    return [...oddNames(names), ...unansweredChatCalls(messages), ...sampledReasoning(body)];
  },
  'openai-responses': (body) => {
    const input = listAt(body, 'input');
    const functions = listAt(body, 'tools').filter((tool) => textAt(tool, 'type') === 'function');
    return [
      ...oddNames(functions.map((tool) => textAt(tool, 'name'))),
      ...unpairedItems(input),
      ...sampledReasoning(body),
    ];
  },
  'anthropic-messages': (body) => {
    const messages = listAt(body, 'messages');
    const hints = JSON.stringify(body).split('"cache_control":{').length - 1;
    return [
      ...oddNames(listAt(body, 'tools').map((tool) => textAt(tool, 'name'))),
      ...(hints > MOST_CACHE_HINTS ? [`${hints} cache hints`] : []),
      ...messages.flatMap((message, index) => unpairedBlocks(message, messages[index + 1])),
      ...sampledThinking(body),
      ...(textAt(body, 'thinking', 'type') === 'enabled' ? lostThinking(messages) : []),
    ];
  },
  gemini: (body) => {
    const declared = listAt(body, 'tools').flatMap((tool) => listAt(tool, 'functionDeclarations'));
    const contents = listAt(body, 'contents');
    return [
      ...oddNames(declared.map((tool) => textAt(tool, 'name'))),
      ...declared.flatMap((tool) => oddSchemaFields(valueAt(tool, 'parameters'))),
      ...contents.flatMap((content, index) => unpairedParts(content, contents[index + 1])),
      ...unsignedCalls(contents),
    ];
  },
};

/** @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching */
const MOST_CACHE_HINTS = 4;

const oddNames = (names: readonly string[]): readonly string[] => [
  ...names.filter((name) => !/^[a-zA-Z0-9_-]{1,64}$/.test(name)).map((name) => `tool name ${name}`),
  ...(new Set(names).size === names.length ? [] : ['two tools of one name']),
];

/** @see https://platform.openai.com/docs/guides/function-calling */
function unansweredChatCalls(messages: readonly Json[]): readonly string[] {
  const faults: string[] = [];
  let open = new Set<string>();
  for (const message of messages) {
    if (textAt(message, 'role') === 'tool') {
      const id = textAt(message, 'tool_call_id');
      if (!open.delete(id)) faults.push('a tool message that answers no call');
      continue;
    }
    if (open.size > 0) faults.push('a tool call that is not answered by the next messages');
    open = new Set(listAt(message, 'tool_calls').map((call) => textAt(call, 'id')));
  }
  return open.size > 0 ? [...faults, 'a tool call without its answer at the end'] : faults;
}

const areEqual = (left: ReadonlySet<string>, right: ReadonlySet<string>): boolean =>
  left.size === right.size && [...left].every((one) => right.has(one));

function unpairedItems(input: readonly Json[]): readonly string[] {
  const idsOf = (type: string): ReadonlySet<string> =>
    new Set(input.filter((item) => textAt(item, 'type') === type).map((item) => textAt(item, 'call_id')));
  const isPaired = areEqual(idsOf('function_call'), idsOf('function_call_output'));
  return isPaired ? [] : ['a function call or its output without the other'];
}

/** @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use */
function unpairedBlocks(message: Json, next: Json | undefined): readonly string[] {
  const idsOf = (holder: Json | undefined, type: string, field: string): ReadonlySet<string> =>
    new Set(
      listAt(holder, 'content')
        .filter((block) => textAt(block, 'type') === type)
        .map((block) => textAt(block, field)),
    );
  const called = idsOf(message, 'tool_use', 'id');
  const answered = idsOf(next, 'tool_result', 'tool_use_id');
  return [
    ...(areEqual(called, answered)
      ? []
      : ['a tool_use or a tool_result without the other in the message beside']),
    ...[...called].filter((id) => !/^[a-zA-Z0-9_-]+$/.test(id)).map((id) => `tool_use id ${id}`),
  ];
}

/** @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#feature-compatibility */
function sampledThinking(body: JsonObject): readonly string[] {
  if (!['adaptive', 'enabled'].includes(textAt(body, 'thinking', 'type'))) return [];
  const { temperature = 1, top_k, top_p = 1 } = body;
  return [
    ...(temperature === 1 ? [] : ['temperature beside thinking']),
    ...(top_k === undefined ? [] : ['top_k beside thinking']),
    ...(Number(top_p) >= LEAST_TOP_P ? [] : ['top_p beside thinking']),
  ];
}

const LEAST_TOP_P = 0.95;

/**
 * Models that reason take no sampling parameters, unless told not to reason.
 * @see https://developers.openai.com/api/docs/guides/latest-model
 */
function sampledReasoning(body: JsonObject): readonly string[] {
  const effort = body['reasoning_effort'] ?? valueAt(body, 'reasoning', 'effort');
  if (!textAt(body, 'model').startsWith('gpt-5') || effort === 'none') return [];
  return ['temperature', 'top_p', 'top_logprobs']
    .filter((name) => body[name] !== undefined && body[name] !== 1)
    .map((name) => `${name} for a model that reasons`);
}

/** @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks */
function lostThinking(messages: readonly Json[]): readonly string[] {
  const last = messages.findLast((message) => textAt(message, 'role') === 'assistant');
  const [first, ...rest] = listAt(last, 'content').map((block) => textAt(block, 'type'));
  if (first === undefined || ![first, ...rest].includes('tool_use')) return [];
  return ['thinking', 'redacted_thinking'].includes(first)
    ? []
    : ['a tool loop without the thinking it began with'];
}

/** @see https://ai.google.dev/api/caching#Schema */
const SCHEMA_FIELDS = words(`type format title description nullable enum maxItems minItems properties required
  minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum`);

function oddSchemaFields(schema: Json | undefined): readonly string[] {
  if (!isJsonObject(schema)) return [];
  const within = [
    ...Object.values(objectAt(schema, 'properties')),
    ...listAt(schema, 'anyOf'),
    schema['items'],
  ];
  return [
    ...Object.keys(schema)
      .filter((name) => !SCHEMA_FIELDS.has(name))
      .map((name) => `schema field ${name}`),
    ...within.flatMap(oddSchemaFields),
  ];
}

const holding = (content: Json | undefined, field: string): readonly Json[] =>
  listAt(content, 'parts').filter((part) => valueAt(part, field) !== undefined);

/** @see https://ai.google.dev/gemini-api/docs/function-calling */
function unpairedParts(content: Json, next: Json | undefined): readonly string[] {
  const names = (holder: Json | undefined, field: string): string =>
    JSON.stringify(holding(holder, field).map((part) => textAt(part, field, 'name')));
  return names(content, 'functionCall') === names(next, 'functionResponse')
    ? []
    : ['function calls that the next content does not answer one by one'];
}

/**
 * The first call of each step of the turn that is under way has to be signed.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
function unsignedCalls(contents: readonly Json[]): readonly string[] {
  const turnBegins = contents.findLastIndex(
    (content) => textAt(content, 'role') === 'user' && holding(content, 'functionResponse').length === 0,
  );
  const firsts = contents
    .slice(turnBegins + 1)
    .flatMap((content) => holding(content, 'functionCall').slice(0, 1));
  return firsts.every((part) => textAt(part, 'thoughtSignature') !== '')
    ? []
    : ['a function call of this turn without its signature'];
}
