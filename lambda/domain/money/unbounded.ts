import type { ChatRequest, ContentPart } from '../chat/request.ts';
import { isJsonObject, type Json } from '../json.ts';

/**
 * Names what makes a call's cost impossible to bound: tools the provider runs, state it keeps, files it holds, options
 * that change its rates, or of which nobody said that they do not. Such a call is refused on a hard budget.
 * @param harmless names of options and fields of the caller's dialect that leave the cost within what is reserved
 */
export function unboundedFeatures(request: ChatRequest, harmless: ReadonlySet<string>): readonly string[] {
  const tools = (request.tools ?? []).flatMap((tool) =>
    tool.type === 'hosted' && tool.runBy !== 'caller' ? [`tool ${tool.name}`] : [],
  );
  const options = Object.entries(request.nativeOptions).flatMap(([name, value]) =>
    asksForNothing(name, value) ? [] : unboundedOption(name, value, harmless),
  );
  const unknown = request.unknownFields.filter((name) => COSTLY_FIELDS.has(name) || isDisguised(name));
  const kept = request.keptContent ?? [];
  return [...tools, ...options, ...unknown, ...kept, ...new Set(allParts(request).flatMap(unboundedContent))];
}

/**
 * Names of fields nobody knows the cost of, though nothing says that they have one: on a hard budget they do not go to the
 * provider, as they do not where it speaks another dialect.
 * @param harmless as for `unboundedFeatures`
 */
export const fieldsOfUnknownCost = (
  { unknownFields }: Pick<ChatRequest, 'unknownFields'>,
  harmless: ReadonlySet<string>,
): readonly string[] => unknownFields.filter((name) => !harmless.has(name));

/** Fields with which a provider somewhere runs tools, adds to the prompt what we never see, or charges other rates. */
const COSTLY_FIELDS: ReadonlySet<string> = new Set([
  'background',
  'best_of',
  'cached_content',
  'compaction',
  'container',
  'conversation',
  'enable_search',
  'extra_body',
  'fallbacks',
  'inference_geo',
  'max_new_tokens',
  'mcp_servers',
  'num_predict',
  'plugins',
  'prediction',
  'previous_response_id',
  'prompt',
  'search_parameters',
  'speed',
  'thinking_budget',
  'thread',
  'web_search_options',
]);

/** Fields that decide what a call costs. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...[
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'input',
    'instructions',
    'n',
    'tools',
    'messages',
    'system',
    'service_tier',
    'model',
    'stream',
  ],
  ...['thinking', 'reasoning', 'reasoning_effort', 'functions'],
  ...['documents', 'file', 'partial_images', 'quality', 'query', 'size'],
]);

/**
 * `MAX_TOKENS`, or with a long s: a server that matches names in any case would follow it rather than what we read. Folded
 * both ways, as such servers fold.
 */
function isDisguised(name: string): boolean {
  const folded = name.toUpperCase().toLowerCase();
  return folded !== name && (READ_FIELDS.has(folded) || COSTLY_FIELDS.has(folded));
}

/** Whether an option is given so that it asks for nothing: `enable_search: false`, `plugins: []`, `speed: "standard"`. */
export function asksForNothing(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  // Elsewhere an empty object asks for something: `web_search_options: {}` searches.
  if (isJsonObject(value)) return name === 'extra_body' && Object.keys(value).length === 0;
  return NEUTRAL_VALUES.get(name) === value;
}

const NEUTRAL_VALUES: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['speed', 'standard'],
  ['best_of', 1],
  ['truncation', 'disabled'],
]);

/** The option's name, or of an option that is judged by its members, theirs; nothing where it is harmless. */
function unboundedOption(
  name: string,
  value: Json | undefined,
  harmless: ReadonlySet<string>,
): readonly string[] {
  const judge = JUDGED_BY_VALUE.get(name);
  if (judge !== undefined) return judge(value);
  return harmless.has(name) ? [] : [name];
}

const items = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** Options that are harmless for some of their values, in whichever dialect they are. */
const JUDGED_BY_VALUE: ReadonlyMap<string, (value: Json | undefined) => readonly string[]> = new Map([
  // Sound has a rate of its own, and is reserved for at it; pictures are not bounded by a limit in tokens everywhere.
  [
    'modalities',
    (value: Json | undefined) =>
      items(value).every((kind) => kind === 'text' || kind === 'audio') ? [] : ['modalities'],
  ],
  ['context_management', (value: Json | undefined) => (onlyClears(value) ? [] : ['context_management'])],
  [
    'performanceConfig',
    (value: Json | undefined) =>
      isJsonObject(value) && (value['latency'] ?? 'standard') === 'standard' ? [] : ['performanceConfig'],
  ],
  [
    'additionalModelRequestFields',
    (value: Json | undefined) =>
      Object.keys(isJsonObject(value) ? value : {})
        .filter((name) => !MODEL_FIELDS.has(name))
        .map((name) => `additionalModelRequestFields.${name}`),
  ],
]);

/** A prompt from which something is taken away costs no more; one that is summed up is written anew. */
const onlyClears = (value: Json | undefined): boolean =>
  isJsonObject(value) &&
  items(value['edits']).every((edit) => isJsonObject(edit) && String(edit['type']).startsWith('clear_'));

/** What models' makers know beside Converse's own fields, and that neither lengthens an answer nor runs anything. */
const MODEL_FIELDS: ReadonlySet<string> = new Set([
  ...['anthropic_beta', 'anthropic_version', 'frequency_penalty', 'metadata', 'presence_penalty'],
  ...['repetition_penalty', 'seed', 'stop', 'stop_sequences', 'temperature', 'top_k', 'top_p', 'typical_p'],
]);

/** Blocks of Anthropic's format whose whole content stands in the body, so that its bytes bound it. */
const INLINE_CONTENT: ReadonlySet<string> = new Set([
  'search_result',
  'server_tool_use',
  'web_search_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'tool_reference',
]);

function unboundedContent(part: ContentPart): readonly string[] {
  if ('source' in part && part.source.type === 'provider-file') return ['a file kept by the provider'];
  if (part.type !== 'native' || isInline(part)) return [];
  return documentSource(part) === undefined ? [`content of the type ${part.name}`] : [];
}

const isInline = ({ dialect, name }: { readonly dialect: string; readonly name: string }): boolean =>
  dialect === 'anthropic-messages' && INLINE_CONTENT.has(name);

/** Where a document that only its own dialect can express has its content; `undefined` where it is kept elsewhere. */
export function documentSource(part: ContentPart): 'inline' | 'media' | undefined {
  const isDocument =
    part.type === 'native' && part.dialect === 'anthropic-messages' && part.name === 'document';
  if (!isDocument || !isJsonObject(part.value)) return undefined;
  const source = part.value['source'];
  if (!isJsonObject(source)) return undefined;
  const { type, content } = source;
  if (type === 'text' || (type === 'content' && isOnlyText(content))) return 'inline';
  return type === 'base64' || type === 'url' ? 'media' : undefined;
}

const isOnlyText = (content: Json | undefined): boolean =>
  typeof content === 'string' ||
  (Array.isArray(content) && content.every((block: Json) => isJsonObject(block) && block['type'] === 'text'));

/** Every part of a conversation, those of results too. */
export const allParts = (request: ChatRequest): readonly ContentPart[] =>
  request.messages.flatMap((message) => message.content.flatMap(withNested));

const withNested = (part: ContentPart): readonly ContentPart[] =>
  part.type === 'tool-result' ? [part, ...part.content.flatMap(withNested)] : [part];
