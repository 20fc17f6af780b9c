import type { ChatRequest, Message } from '../../domain/chat/request.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import type { RequestAddress } from '../dialect.ts';
import { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { CallIds } from './call-ids.ts';
import { decodeGenerationConfig } from './decode-generation-config.ts';
import { decodeParts, joinProvenThoughts } from './decode-parts.ts';
import { decodeToolConfig, decodeTools } from './decode-tools.ts';
import { camelCase, field, memberOf, objectsIn, optionalObjectIn } from './wire.ts';

/** Fields that become fields of a ChatRequest. */
const READ_FIELDS = new Set([
  'model',
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'serviceTier',
  'labels',
]);

/**
 * Fields only this dialect has, and what Sluice calls them: `cached_content` as the formats compatible with OpenAI do,
 * since what is kept there is paid for but not seen.
 */
const NATIVE_FIELDS: Readonly<Record<string, string>> = {
  safetySettings: 'safetySettings',
  cachedContent: 'cached_content',
  modelArmorConfig: 'modelArmorConfig',
  store: 'store',
};

/** Sluice's own options, and the two it takes in every format; Google refuses fields it does not know. */
export const GATEWAY_FIELDS: ReadonlySet<string> = new Set([...OWN_FIELDS, 'user', 'metadata']);

/**
 * A request of generateContent or streamGenerateContent: which of them, and the model, say the address.
 * @throws GatewayError `invalid_request` naming the parameter, for wrong types and missing fields
 */
export function decodeRequest(body: JsonObject, address: RequestAddress = {}): ChatRequest {
  const given = new Given(body, '');
  const names = Object.keys(body);
  for (const name of names) given.member(name).json();
  const native = names.filter((name) => isNative(camelCase(name)));
  const config = decodeGenerationConfig(field(given, 'generationConfig'));
  const toolConfig = decodeToolConfig(field(given, 'toolConfig'));
  const tools = decodeTools(given.member('tools'));
  return {
    model: address.model ?? modelOf(given),
    messages: decodeMessages(given, body),
    stream: address.stream === true,
    includeUsage: true,
    ...(tools.length > 0 && { tools }),
    ...config.fields,
    ...defined({
      toolChoice: toolConfig.toolChoice,
      serviceTier: field(given, 'serviceTier').optionalString()?.toLowerCase(),
      endUser: given.member('user').optionalString(),
      metadata: given.member('metadata').optionalObject() ?? given.member('labels').optionalObject(),
    }),
    nativeOptions: {
      ...Object.fromEntries(native.map((name) => [NATIVE_FIELDS[camelCase(name)] ?? name, body[name]])),
      ...toolConfig.nativeOptions,
      ...config.nativeOptions,
    },
    unknownFields: [
      ...names.filter((name) => !GATEWAY_FIELDS.has(name) && !isKnown(camelCase(name))),
      ...config.unknownFields,
    ],
  };
}

const isNative = (name: string): boolean => Object.hasOwn(NATIVE_FIELDS, name);
const isKnown = (name: string): boolean => READ_FIELDS.has(name) || isNative(name);

/** Google's names begin with `models/`. */
function modelOf(given: Given): string {
  const own = given.member('model').optionalString() ?? '';
  if (own !== '') return own.replace(/^models\//, '');
  const first = given.member('models').optionalList()?.[0];
  return first === undefined ? given.member('model').refuse("a model's name") : first.string();
}

function decodeMessages(given: Given, body: JsonObject): readonly Message[] {
  const ids = new CallIds(givenIds(body));
  const system = field(given, 'systemInstruction');
  const instruction = system.isMissing ? [] : decodeParts(partsOf(system), 'user', ids);
  const turns = given.member('contents').list();
  if (turns.length === 0) return given.member('contents').refuse('at least one turn');
  const messages = joinedTurns(turns.map((turn) => decodeTurn(turn, ids)));
  return instruction.length === 0 ? messages : [{ role: 'system', content: instruction }, ...messages];
}

/** Google's SDK sends a streamed answer back as one turn a chunk: they are one turn of the model. */
function joinedTurns(turns: readonly Message[]): readonly Message[] {
  const joined: Message[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last?.role === 'assistant' && turn.role === 'assistant')
      joined[joined.length - 1] = { ...last, content: [...last.content, ...turn.content] };
    else joined.push(turn);
  }
  return joined.map((turn) =>
    turn.role === 'assistant' ? { ...turn, content: joinProvenThoughts(turn.content) } : turn,
  );
}

function partsOf(content: Given): Given {
  content.object();
  return content.member('parts');
}

/** `function` was the role of function responses before they became the user's. */
function decodeTurn(turn: Given, ids: CallIds): Message {
  const parts = partsOf(turn);
  const role = turn.member('role').optionalString() ?? 'user';
  if (role === 'model') return { role: 'assistant', content: decodeParts(parts, 'assistant', ids) };
  if (role !== 'user' && role !== 'function' && role !== '')
    return turn.member('role').refuse("'user' or 'model'");
  const content = decodeParts(parts, 'user', ids);
  const results = content.filter((part) => part.type === 'tool-result');
  const others = content.filter((part) => part.type !== 'tool-result');
  return { role: 'user', content: [...results, ...others] };
}

/** Every id of a call or a response. */
function givenIds(body: JsonObject): ReadonlySet<string> {
  const parts = objectsIn(body, 'contents').flatMap((turn) => objectsIn(turn, 'parts'));
  const holders = parts.map(
    (part) => optionalObjectIn(part, 'functionCall') ?? optionalObjectIn(part, 'functionResponse'),
  );
  const ids = holders.map((holder): Json | undefined => (isJsonObject(holder) ? memberOf(holder, 'id') : ''));
  return new Set(ids.filter((id) => typeof id === 'string'));
}
