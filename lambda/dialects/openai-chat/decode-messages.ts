import type { ContentPart, Message } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { cacheHint, decodeContent } from './decode-content.ts';
import { callerDialect, GEMINI_FORMAT } from './reasoning-format.ts';
import { DIALECT_ID } from './wire.ts';

type ToolResult = Extract<ContentPart, { readonly type: 'tool-result' }>;

/** The conversation; results of tools, which are turns of their own here, open the user's next turn. */
export function decodeMessages(messages: Given): readonly Message[] {
  const decoded: Message[] = [];
  const legacyCalls = new Map<string, string>();
  let results: ToolResult[] = [];
  for (const message of messages.list()) {
    message.object();
    const role = message.member('role').string();
    if (role === 'tool' || role === 'function') {
      results.push(decodeToolResult(message, role, legacyCalls));
      continue;
    }
    const turn = decodeTurn(message, role, legacyCalls);
    if (results.length > 0 && turn.role !== 'user') decoded.push({ role: 'user', content: results });
    const isAnswered = results.length > 0 && turn.role === 'user';
    decoded.push(isAnswered ? { ...turn, content: [...results, ...turn.content] } : turn);
    results = [];
  }
  if (results.length > 0) decoded.push({ role: 'user', content: results });
  return decoded.length > 0 ? decoded : messages.refuse('at least one message');
}

function decodeTurn(message: Given, role: string, legacyCalls: Map<string, string>): Message {
  const name = message.member('name').optionalString();
  const named = name === undefined ? {} : { name };
  switch (role) {
    case 'system':
    case 'developer':
    case 'user': {
      const content = message.member('content');
      if (content.isMissing) return content.refuse('a string or an array');
      return { role, content: withHint(decodeContent(content), message), ...named };
    }
    case 'assistant':
      return { role, content: withHint(decodeAssistant(message, legacyCalls), message), ...named };
    default:
      return message.member('role').refuse('system, developer, user, assistant or tool');
  }
}

/**
 * A hint on the message, as LiteLLM takes it where the content is one text, is one on its last part.
 * @see https://docs.litellm.ai/docs/completion/prompt_caching
 */
function withHint(parts: readonly ContentPart[], message: Given): readonly ContentPart[] {
  const hint = cacheHint(message);
  const last = parts.findLastIndex(({ type }) => HINTED.has(type));
  // Each part of these types may have a hint.
  return parts.map((part, index) => (index === last ? ({ ...part, ...hint } as ContentPart) : part));
}

const HINTED: ReadonlySet<ContentPart['type']> = new Set(['text', 'image', 'file', 'tool-call']);

function decodeToolResult(
  message: Given,
  role: 'tool' | 'function',
  legacyCalls: ReadonlyMap<string, string>,
): ToolResult {
  const callId =
    role === 'tool'
      ? message.member('tool_call_id').string()
      : legacyCallId(message.member('name').string(), legacyCalls);
  const content = decodeContent(message.member('content'));
  return { type: 'tool-result', callId, content, isError: false, ...cacheHint(message) };
}

const legacyCallId = (name: string, legacyCalls: ReadonlyMap<string, string>): string =>
  legacyCalls.get(name) ?? `call_${name}`;

function decodeAssistant(message: Given, legacyCalls: Map<string, string>): ContentPart[] {
  const details = (message.member('reasoning_details').optionalList() ?? []).map(readDetail);
  const signatures = callSignatures(details);
  const parts = [
    ...decodeReasoning(
      message,
      details.filter(({ callId }) => callId === undefined),
    ),
    ...decodeContent(message.member('content')),
  ];
  const refusal = message.member('refusal').optionalString();
  if (refusal !== undefined && refusal !== '') parts.push({ type: 'refusal', text: refusal });
  const audio = message.member('audio');
  if (!audio.isMissing)
    parts.push({ type: 'native', dialect: DIALECT_ID, name: 'audio', value: audio.json() ?? null });
  parts.push(
    ...(message.member('tool_calls').optionalList() ?? []).map((call) => decodeToolCall(call, signatures)),
  );
  const legacy = message.member('function_call');
  if (!legacy.isMissing) parts.push(decodeLegacyCall(legacy, legacyCalls));
  return parts;
}

/** Gemini's signatures of tool calls as OpenRouter gives them: closed entries that name the call. */
const callSignatures = (details: readonly Detail[]): ReadonlyMap<string, string> =>
  new Map(
    details.flatMap(({ callId, part }) =>
      callId === undefined || part.type !== 'reasoning-encrypted' ? [] : [[callId, part.data]],
    ),
  );

function decodeToolCall(call: Given, signatures: ReadonlyMap<string, string>): ContentPart {
  call.object();
  const id = call.member('id').string();
  const custom = call.member('custom');
  const kind = custom.isMissing ? 'function' : 'custom';
  const body = custom.isMissing ? call.member('function') : custom;
  body.object();
  const given = body.member(kind === 'custom' ? 'input' : 'arguments').optionalString() ?? '';
  const google = call.member('extra_content').member('google');
  const signature = google.member('thought_signature').optionalString() ?? signatures.get(id);
  return {
    type: 'tool-call',
    kind,
    id,
    name: body.member('name').string(),
    arguments: given,
    ...(signature === undefined || signature === '' ? {} : { signature }),
  };
}

/** Calls from before tools had ids: the function's result finds its call by name. */
function decodeLegacyCall(call: Given, legacyCalls: Map<string, string>): ContentPart {
  call.object();
  const name = call.member('name').string();
  const id = `call_${name}_${legacyCalls.size}`;
  legacyCalls.set(name, id);
  const given = call.member('arguments').optionalString() ?? '';
  return { type: 'tool-call', kind: 'function', id, name, arguments: given };
}

/**
 * Reasoning a caller sends back as it got it: `reasoning_details` (OpenRouter's form, which keeps signatures), else
 * `reasoning_content` or `reasoning`.
 */
function decodeReasoning(message: Given, details: readonly Detail[]): ContentPart[] {
  const plain = [message.member('reasoning_content'), message.member('reasoning')]
    .map((given) => given.optionalString() ?? '')
    .find((text) => text !== '');
  const merged = mergeDetails(details);
  const isTold = plain === undefined || merged.some((part) => part.type === 'reasoning' && part.text !== '');
  if (isTold) return merged.filter((part) => part.type !== 'reasoning' || hasSubstance(part));
  const signed = merged.findIndex((part) => part.type === 'reasoning' && part.signature !== undefined);
  if (signed === -1) return [{ type: 'reasoning', text: plain, dialect: DIALECT_ID }, ...merged];
  return merged.map((part, index) => (index === signed ? { ...part, text: plain } : part));
}

type ReasoningPart = Extract<ContentPart, { readonly type: 'reasoning' | 'reasoning-encrypted' }>;

interface Detail {
  readonly part: ReasoningPart;
  readonly index: number | undefined;
  /** The tool call it signs, if it is the signature of one. */
  readonly callId: string | undefined;
}

const hasSubstance = (part: Extract<ReasoningPart, { readonly type: 'reasoning' }>): boolean =>
  part.text !== '' || part.signature !== undefined;

function readDetail(detail: Given): Detail {
  detail.object();
  const type = detail.member('type').string();
  const index = detail.member('index').optionalInteger(0);
  const format = detail.member('format').optionalString();
  const dialect = callerDialect(format);
  if (type === 'reasoning.encrypted') {
    const data = detail.member('data').string();
    const callId = format === GEMINI_FORMAT ? detail.member('id').optionalString() : undefined;
    return { part: { type: 'reasoning-encrypted', data, dialect }, index, callId };
  }
  const text = detail.member('text').optionalString() ?? detail.member('summary').optionalString() ?? '';
  const signature = detail.member('signature').optionalString();
  const signed = signature === undefined || signature === '' ? {} : { signature };
  return { part: { type: 'reasoning', text, ...signed, dialect }, index, callId: undefined };
}

/** Streams give one block's details in pieces of the same index; callers send the pieces back. */
function mergeDetails(details: readonly Detail[]): ReasoningPart[] {
  const merged: { part: ReasoningPart; readonly index: number | undefined }[] = [];
  for (const detail of details) {
    const last = merged.at(-1);
    const isSameBlock = detail.index !== undefined && last?.index === detail.index;
    if (isSameBlock && last.part.type === 'reasoning' && detail.part.type === 'reasoning')
      last.part = { ...last.part, ...detail.part, text: last.part.text + detail.part.text };
    else merged.push({ ...detail });
  }
  return merged.map(({ part }) => part);
}
