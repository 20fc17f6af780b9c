import type { ContentPart, MediaSource } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { CarriedProofs, readProof } from '../carried-proof.ts';
import { present } from '../loose.ts';
import { plainWords } from './plain-words.ts';
import {
  base64Source,
  check,
  DIALECT,
  documentBlock,
  fileSource,
  imageBlock,
  type Path,
  plainTextSource,
  redactedThinkingBlock,
  refusal,
  textBlock,
  thinkingBlock,
  toolResultBlock,
  toolUseBlock,
  typedBlock,
  urlSource,
} from './wire.ts';

/**
 * Reads the content of a turn: a string, or blocks. Blocks this reader has no part for (hosted tools and their results,
 * search results, whatever comes next) become `native` parts.
 * @throws GatewayError `invalid_request` for wrong types
 */
export function decodeContent(
  content: Json | undefined,
  role: 'user' | 'assistant' | 'system',
  path: Path,
): readonly ContentPart[] {
  const proofs = new CarriedProofs();
  const parts = decodeBlocks(content, path, (block, type, at) => {
    if (type === 'tool_use' && role !== 'assistant')
      throw refusal([...at, 'type'], 'a block that stands outside assistant turns', type);
    if (type === 'tool_result' && role !== 'user')
      throw refusal([...at, 'type'], 'a block that stands outside user turns', type);
    return decodeThinking(block, { type, path: at, proofs }) ?? [decodeBlock(block, type, at)];
  });
  return proofs.signed(parts);
}

type BlockReader = (block: JsonObject, type: string, path: Path) => readonly ContentPart[];

function decodeBlocks(content: Json | undefined, path: Path, read: BlockReader): readonly ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw refusal(path, 'a string or an array of blocks', content);
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  return (content as readonly Json[]).flatMap((block, index) => {
    const at = [...path, index];
    const { type } = check(typedBlock, block, at);
    // The check above passes objects only.
    return read(block as JsonObject, type, at);
  });
}

function decodeBlock(block: JsonObject, type: string, path: Path): ContentPart {
  switch (type) {
    case 'tool_use':
      return decodeToolUse(block, path);
    case 'tool_result':
      return decodeToolResult(block, path);
    default:
      return decodePlainBlock(block, type, path);
  }
}

/** The blocks that may also stand in a tool's result. */
function decodePlainBlock(block: JsonObject, type: string, path: Path): ContentPart {
  switch (type) {
    case 'text': {
      const { text, cache_control } = check(textBlock, block, path);
      return { type: 'text', text, ...present({ cacheHint: cache_control }) };
    }
    case 'image': {
      const { source, cache_control } = check(imageBlock, block, path);
      const media = decodeSource(source, [...path, 'source']);
      if (media === undefined) return native(block, type);
      return { type: 'image', source: media, ...present({ cacheHint: cache_control }) };
    }
    case 'document':
      return decodeDocument(block, path);
    default:
      return native(block, type);
  }
}

function native(block: JsonObject, name: string): ContentPart {
  const text = plainWords(block);
  return { type: 'native', dialect: DIALECT, name, value: block, ...(text === undefined ? {} : { text }) };
}

/** A source of a type we do not know is `undefined`: its block stays native. */
function decodeSource(source: JsonObject, path: Path): MediaSource | undefined {
  const { type } = check(typedBlock, source, path);
  if (type === 'base64') {
    const { media_type, data } = check(base64Source, source, path);
    return { type: 'base64', mediaType: media_type, data };
  }
  if (type === 'url') return { type: 'url', url: check(urlSource, source, path).url };
  if (type === 'file') return { type: 'provider-file', id: check(fileSource, source, path).file_id };
  return undefined;
}

/** Plain text is text to every model. What asks for citations or carries a context only this dialect can say. */
function decodeDocument(block: JsonObject, path: Path): ContentPart {
  const { source, title, context, citations, cache_control } = check(documentBlock, block, path);
  const sourcePath = [...path, 'source'];
  const cacheHint = cache_control;
  if (typeof context === 'string' || citations?.enabled === true) return native(block, 'document');
  if (source['type'] === 'text') {
    const text = check(plainTextSource, source, sourcePath).data;
    return { type: 'text', text: title == null ? text : `${title}\n\n${text}`, ...present({ cacheHint }) };
  }
  const media = decodeSource(source, sourcePath);
  if (media === undefined) return native(block, 'document');
  return { type: 'file', source: media, ...present({ name: title, cacheHint }) };
}

function decodeToolUse(block: JsonObject, path: Path): ContentPart {
  const { id, name, input, cache_control } = check(toolUseBlock, block, path);
  return {
    type: 'tool-call',
    kind: 'function',
    id,
    name,
    arguments: JSON.stringify(input),
    ...present({ cacheHint: cache_control }),
  };
}

function decodeToolResult(block: JsonObject, path: Path): ContentPart {
  const { tool_use_id, is_error, cache_control } = check(toolResultBlock, block, path);
  const content = block['content'];
  return {
    type: 'tool-result',
    callId: tool_use_id,
    content:
      content === undefined || content === null
        ? []
        : decodeBlocks(content, [...path, 'content'], (...block) => [decodePlainBlock(...block)]),
    isError: is_error === true,
    ...present({ cacheHint: cache_control }),
  };
}

/**
 * Thinking sent back, open or closed; `undefined` for other blocks. An empty signature is none: so Sluice itself shows the
 * reasoning of models that sign nothing.
 */
function decodeThinking(
  block: JsonObject,
  { type, path, proofs }: { readonly type: string; readonly path: Path; readonly proofs: CarriedProofs },
): readonly ContentPart[] | undefined {
  if (type === 'redacted_thinking') {
    const { data } = check(redactedThinkingBlock, block, path);
    const carried = readProof(data);
    if (carried !== undefined) return proofs.parts(carried, '');
    return [{ type: 'reasoning-encrypted', data, dialect: DIALECT }];
  }
  if (type !== 'thinking') return undefined;
  const { thinking, signature } = check(thinkingBlock, block, path);
  const proof = signature ?? '';
  const carried = readProof(proof);
  if (carried !== undefined) return proofs.parts(carried, thinking);
  return [
    { type: 'reasoning', text: thinking, ...(proof === '' ? {} : { signature: proof }), dialect: DIALECT },
  ];
}
