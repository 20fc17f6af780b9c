import type { ContentPart, Message } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import { defined } from '../loose.ts';
import type { LeftOut, RequestFeature } from '../request-feature.ts';
import { nativeBlock } from './decode-content.ts';
import { DocumentNames } from './document-names.ts';
import { DOCUMENTS, encodeSource, IMAGES, SOUNDS } from './media.ts';
import { isClaudeOrNova, type ModelFamily, takesReasoning } from './model-family.ts';
import { ToolIds, validToolName } from './tool-ids.ts';
import { DIALECT_ID } from './wire.ts';

type PartOf<Type extends ContentPart['type']> = Extract<ContentPart, { readonly type: Type }>;

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: ContentPart[];
}

/**
 * Said where a conversation begins with an answer (a greeting that a program put there): Bedrock asks that the user begins.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html
 */
const OPENING: JsonObject = {
  role: 'user',
  content: [{ text: '(The conversation begins with your words.)' }],
};

/** A conversation's content as the blocks of one request. */
export class ContentEncoder {
  readonly #family: ModelFamily;
  readonly #leftOut: LeftOut;
  readonly #ids: ToolIds;
  readonly #names = new DocumentNames();

  constructor(messages: readonly Message[], family: ModelFamily, leftOut: LeftOut) {
    this.#family = family;
    this.#leftOut = leftOut;
    this.#ids = new ToolIds(messages.flatMap(({ content }) => content.flatMap(toolIdsOf)));
  }

  /** System turns, wherever they stand, as the one system prompt: text, and what is this dialect's own. */
  system(messages: readonly Message[]): readonly JsonObject[] {
    const parts = messages.filter(isSystem).flatMap(({ content }) => content);
    return parts.flatMap((part) => {
      if (part.type === 'text' || part.type === 'refusal' || part.type === 'native')
        return this.#blocks(part);
      this.#leftOut.refuse(...mediaFeature(part));
      return [];
    });
  }

  /**
   * User and assistant turns, which alternate: neighbours of one role become one turn, a turn left without content is left
   * out. Tool results stand first. A speaker's name has no place.
   */
  messages(messages: readonly Message[]): readonly JsonObject[] {
    const wire: { readonly role: Turn['role']; readonly content: JsonObject[] }[] = [];
    for (const { role, parts } of turnsOf(messages)) {
      const content = resultsFirst(parts).flatMap((part) => this.#blocks(part));
      if (content.length === 0) continue;
      const last = wire.at(-1);
      if (last?.role === role) last.content.push(...content);
      else wire.push({ role, content });
    }
    if (messages.some((message) => message.name !== undefined)) this.#leftOut.omit('participant_name');
    return wire[0]?.role === 'assistant' ? [OPENING, ...wire] : wire;
  }

  /** A cache point, where the model knows them. @see https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
  cachePoint(hint: JsonObject | undefined, isTaken: boolean = isClaudeOrNova(this.#family)): JsonObject[] {
    if (hint === undefined) return [];
    if (!isTaken) {
      this.#leftOut.omit('cache_hints');
      return [];
    }
    const ttl = hint['ttl'] === '5m' || hint['ttl'] === '1h' ? hint['ttl'] : undefined;
    return [{ cachePoint: defined({ type: 'default', ttl }) }];
  }

  /** A part and its cache point; none for what is empty or cannot be said. */
  #blocks(part: ContentPart): readonly JsonObject[] {
    const block = this.#block(part);
    return block === undefined ? [] : [block, ...this.cachePoint(hintOf(part))];
  }

  #block(part: ContentPart): JsonObject | undefined {
    switch (part.type) {
      case 'audio':
        return this.#media('audio', part, encodeSource(part.source, SOUNDS));
      case 'reasoning':
      case 'reasoning-encrypted':
        return this.#reasoning(part);
      case 'tool-call':
        return { toolUse: this.#toolUse(part) };
      case 'tool-result':
        return { toolResult: this.#toolResult(part) };
      default:
        return this.#plainBlock(part);
    }
  }

  /** What may also stand in a tool's result. Text of nothing but white space is refused by Bedrock, and left out. */
  #plainBlock(part: PartOf<'text' | 'refusal' | 'image' | 'file' | 'native'>): JsonObject | undefined {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return part.text.trim() === '' ? undefined : { text: part.text };
      case 'image':
        if ((part.detail ?? 'auto') !== 'auto') this.#leftOut.omit('image_detail');
        return this.#media('image', part, encodeSource(part.source, IMAGES));
      case 'file':
        return this.#media('document', part, this.#document(part));
      case 'native':
        if (part.dialect === DIALECT_ID) return nativeBlock(part);
        this.#leftOut.refuse('native_content', part.name);
        return undefined;
    }
  }

  #media(
    name: string,
    part: PartOf<'image' | 'audio' | 'file'>,
    block: JsonObject | undefined,
  ): JsonObject | undefined {
    if (block !== undefined) return { [name]: block };
    this.#leftOut.refuse(...mediaFeature(part));
    return undefined;
  }

  #document({ source, name }: PartOf<'file'>): JsonObject | undefined {
    const document = encodeSource(source, DOCUMENTS);
    return document === undefined ? undefined : { ...document, name: this.#names.of(name) };
  }

  /** Another provider's proofs prove nothing here. */
  #reasoning(part: PartOf<'reasoning' | 'reasoning-encrypted'>): JsonObject | undefined {
    const kind = reasoningKind(part);
    if (part.dialect !== DIALECT_ID || !takesReasoning(this.#family, kind)) {
      this.#leftOut.omit('reasoning_content');
      return undefined;
    }
    if (part.type === 'reasoning-encrypted') return { reasoningContent: { redactedContent: part.data } };
    const { text, signature } = part;
    return { reasoningContent: { reasoningText: defined({ text, signature }) } };
  }

  /** Free text of a custom tool is wrapped, as a tool's input is always an object. */
  #toolUse(part: PartOf<'tool-call'>): JsonObject {
    const input = part.kind === 'custom' ? { input: part.arguments } : argumentsObject(part.arguments);
    if (input === undefined) this.#leftOut.refuse('tool_arguments');
    // Only Gemini signs calls.
    if (part.signature !== undefined) this.#leftOut.omit('reasoning_content');
    return { toolUseId: this.#ids.of(part.id), name: validToolName(part.name), input: input ?? {} };
  }

  #toolResult(part: PartOf<'tool-result'>): JsonObject {
    const content = part.content.flatMap((inner) => this.#resultBlock(inner));
    const isMarked = isClaudeOrNova(this.#family);
    return {
      toolUseId: this.#ids.of(part.callId),
      content: part.isError && !isMarked ? [FAILURE, ...content] : content,
      ...(part.isError && isMarked && { status: 'error' }),
    };
  }

  #resultBlock(part: ContentPart): readonly JsonObject[] {
    switch (part.type) {
      case 'text':
      case 'refusal':
      case 'image':
      case 'file':
      case 'native': {
        const block = this.#plainBlock(part);
        return block === undefined ? [] : [block];
      }
      case 'audio':
        this.#leftOut.refuse('tool_result_media', part.type);
        return [];
      default:
        this.#leftOut.refuse('native_content', part.type);
        return [];
    }
  }
}

/** Where a result cannot be marked as an error: a failure must not read as a result. */
const FAILURE: JsonObject = { text: 'The tool failed:' };

const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';

function turnsOf(messages: readonly Message[]): readonly Turn[] {
  const turns: Turn[] = [];
  for (const { role, content } of messages) {
    if (role === 'system' || role === 'developer') continue;
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...content);
    else turns.push({ role, parts: [...content] });
  }
  return turns;
}

const resultsFirst = (parts: readonly ContentPart[]): readonly ContentPart[] => [
  ...parts.filter(({ type }) => type === 'tool-result'),
  ...parts.filter(({ type }) => type !== 'tool-result'),
];

function toolIdsOf(part: ContentPart): readonly string[] {
  if (part.type === 'tool-call') return [part.id];
  return part.type === 'tool-result' ? [part.callId] : [];
}

function reasoningKind(
  part: PartOf<'reasoning' | 'reasoning-encrypted'>,
): 'signed' | 'unsigned' | 'encrypted' {
  if (part.type === 'reasoning-encrypted') return 'encrypted';
  return part.signature === undefined ? 'unsigned' : 'signed';
}

/** A part's own hint, or one within a tool's result, where no cache point can stand. */
function hintOf(part: ContentPart): JsonObject | undefined {
  const own = 'cacheHint' in part ? part.cacheHint : undefined;
  return own ?? (part.type === 'tool-result' ? part.content.map(hintOf).find(isThere) : undefined);
}

const isThere = (hint: JsonObject | undefined): boolean => hint !== undefined;

/** What a part is called that cannot stand where it does. */
function mediaFeature(part: ContentPart): [feature: RequestFeature, detail?: string] {
  switch (part.type) {
    case 'image':
    case 'file':
    case 'audio': {
      if (part.source.type === 'provider-file') return ['provider_file'];
      if (part.source.type === 'base64' || part.type === 'audio') return [part.type];
      return [part.type === 'image' ? 'image_url' : 'file_url'];
    }
    default:
      return ['native_content', part.type];
  }
}
