import type { BlockAddress, ChatEvent } from '../../domain/chat/event.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { Base64Joiner } from '../base64.ts';
import { isCutJson } from '../cut-json.ts';
import { objectIn, objectsIn } from '../loose.ts';
import { IMAGES } from './media.ts';
import { DIALECT_ID, stringIn, unionMember } from './wire.ts';

/** What a piece of content says: nothing (none), events, or that the format is broken. */
export type Decoded = readonly ChatEvent[] | 'mismatch';

/** A block between its start and its end, whose number is known. */
export interface OpenBlock {
  /** One piece of it; `mismatch` where the piece belongs to no such block. */
  readonly add: (delta: JsonObject) => Decoded;
  /** Its last events, the end included. */
  readonly end: () => readonly ChatEvent[];
  /** Whether it is a call of the caller's tool whose arguments stop in the middle. */
  readonly isCut: () => boolean;
}

/** A block that begins, with its first events; `undefined` for what no event stands for. */
export interface OpenedBlock {
  readonly block: OpenBlock;
  readonly events: readonly ChatEvent[];
}

/** Gives blocks their numbers, in the order in which they begin. */
export interface BlockNumbers {
  next(): BlockAddress;
}

/** @param start the union of a `contentBlockStart` */
export function openStarted(start: JsonObject, numbers: BlockNumbers): OpenedBlock | undefined {
  const member = unionMember(start);
  if (member === 'toolUse') return openToolUse(objectIn(start, member), numbers);
  if (member === 'toolResult') return openToolResult(objectIn(start, member), numbers);
  if (member === 'image') return openImage(objectIn(start, member), numbers.next());
  return undefined;
}

/** Blocks of text and reasoning begin with their first piece. @param delta the union of a `contentBlockDelta` */
export function openUnstarted(delta: JsonObject, numbers: BlockNumbers): OpenedBlock | undefined {
  switch (unionMember(delta)) {
    case 'text':
    case 'citation':
      return openText(numbers.next());
    case 'reasoningContent':
      return isRedacted(delta) ? openRedacted(numbers.next()) : openReasoning(numbers.next());
    default:
      return undefined;
  }
}

const whole = (): boolean => false;

const isRedacted = (delta: JsonObject): boolean =>
  objectIn(delta, 'reasoningContent')['redactedContent'] !== undefined;

function openText(address: BlockAddress): OpenedBlock {
  const add = (delta: JsonObject): Decoded => {
    const text = stringIn(delta, 'text');
    if (text !== undefined) return text === '' ? [] : [{ type: 'text-delta', text, ...address }];
    const citation: Json | undefined = delta['citation'];
    if (citation === undefined || citation === null) return 'mismatch';
    return [{ type: 'text-citation', dialect: DIALECT_ID, citation, ...address }];
  };
  const block = { add, end: () => [blockEnd(address)], isCut: whole };
  return { block, events: [{ type: 'text-start', ...address }] };
}

const blockEnd = (address: BlockAddress): ChatEvent => ({ type: 'block-end', ...address });

function openReasoning(address: BlockAddress): OpenedBlock {
  const add = (delta: JsonObject): Decoded => {
    if (delta['reasoningContent'] === undefined || isRedacted(delta)) return 'mismatch';
    const piece = objectIn(delta, 'reasoningContent');
    const text = stringIn(piece, 'text') ?? '';
    const signature = stringIn(piece, 'signature') ?? '';
    return [
      ...(text === '' ? [] : [{ type: 'reasoning-delta' as const, text, ...address }]),
      ...(signature === '' ? [] : [{ type: 'block-signature' as const, signature, ...address }]),
    ];
  };
  const block = { add, end: () => [blockEnd(address)], isCut: whole };
  return { block, events: [{ type: 'reasoning-start', kind: 'raw', ...address }] };
}

/** Reasoning only its maker can read: blobs, whose pieces are joined. */
function openRedacted(address: BlockAddress): OpenedBlock {
  const joiner = new Base64Joiner();
  const delta = (text: string): readonly ChatEvent[] =>
    text === '' ? [] : [{ type: 'reasoning-delta', text, ...address }];
  const block = {
    add: (piece: JsonObject): Decoded =>
      isRedacted(piece)
        ? delta(joiner.add(stringIn(objectIn(piece, 'reasoningContent'), 'redactedContent') ?? ''))
        : 'mismatch',
    end: () => [...delta(joiner.end()), blockEnd(address)],
    isCut: whole,
  };
  return { block, events: [{ type: 'reasoning-start', kind: 'encrypted', ...address }] };
}

/** Arguments come as pieces of JSON text; where a tool takes none they may be missing, and are an empty object. */
function openToolUse(start: JsonObject, numbers: BlockNumbers): OpenedBlock | undefined {
  const id = stringIn(start, 'toolUseId');
  const name = stringIn(start, 'name');
  if (id === undefined || name === undefined) return undefined;
  const kind = start['type'] === 'server_tool_use' ? 'hosted' : 'function';
  const address = numbers.next();
  let text = '';
  const delta = (piece: string): readonly ChatEvent[] =>
    piece === '' ? [] : [{ type: 'tool-call-delta', arguments: piece, ...address }];
  const block = {
    add: (piece: JsonObject): Decoded => {
      const input = stringIn(objectIn(piece, 'toolUse'), 'input');
      if (input === undefined) return 'mismatch';
      text += input;
      return delta(input);
    },
    end: () => [...(text.trim() === '' ? delta('{}') : []), blockEnd(address)],
    isCut: () => kind === 'function' && isCutJson(text),
  };
  return { block, events: [{ type: 'tool-call-start', kind, id, name, ...address }] };
}

/** What a tool of Bedrock's own gave: told whole, in the shape of the whole block. */
function openToolResult(start: JsonObject, numbers: BlockNumbers): OpenedBlock {
  const content: JsonObject[] = [];
  const block = {
    add: (piece: JsonObject): Decoded => {
      if (piece['toolResult'] === undefined) return 'mismatch';
      content.push(...objectsIn(piece, 'toolResult'));
      return [];
    },
    end: (): readonly ChatEvent[] => {
      const address = numbers.next();
      const callId = stringIn(start, 'toolUseId') ?? '';
      const result = { ...start, content };
      return [
        { type: 'hosted-tool-result', dialect: DIALECT_ID, callId, result, ...address },
        blockEnd(address),
      ];
    },
    isCut: whole,
  };
  return { block, events: [] };
}

function openImage(start: JsonObject, address: BlockAddress): OpenedBlock {
  const joiner = new Base64Joiner();
  const delta = (base64: string): readonly ChatEvent[] =>
    base64 === '' ? [] : [{ type: 'media-delta', base64, ...address }];
  const block = {
    add: (piece: JsonObject): Decoded =>
      piece['image'] === undefined
        ? 'mismatch'
        : delta(joiner.add(stringIn(objectIn(objectIn(piece, 'image'), 'source'), 'bytes') ?? '')),
    end: () => [...delta(joiner.end()), blockEnd(address)],
    isCut: whole,
  };
  const mediaType = IMAGES.mediaTypeOf(stringIn(start, 'format') ?? 'png');
  return { block, events: [{ type: 'media-start', kind: 'image', mediaType, ...address }] };
}
