import type { ChatRequest } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { isCarried, readProofBytes } from '../carried-proof.ts';
import type { RequestTarget } from '../dialect.ts';
import { asObject, objectsIn } from '../loose.ts';
import { familyOf, type ModelFamily, takesReasoning } from './model-family.ts';
import { GATEWAY_FIELDS } from './request.ts';
import { isValidToolName, ToolIds } from './tool-ids.ts';
import { stringIn } from './wire.ts';

/**
 * The caller's own body, for a provider of this dialect: bound set, Sluice's own options taken out, every other byte as it
 * was. The model stands in the address. Only where an earlier turn was answered by another model, and holds reasoning or ids
 * of tool calls that this one would refuse, the messages are written anew.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const edits: JsonEdit[] = GATEWAY_FIELDS.map((name) => ({ path: [name], text: undefined }));
  const body = parseJsonObject(raw) ?? {};
  edits.push(...boundEdits(body, request, target));
  const repair = new MessageRepair(familyOf(target.model), objectsIn(body, 'messages'));
  if (repair.isNeeded) edits.push({ path: ['messages'], text: JSON.stringify(repair.messages()) });
  return editJson(raw, edits);
}

/** The bound money was reserved for, where the caller gave none. */
function boundEdits(body: JsonObject, request: ChatRequest, target: RequestTarget): readonly JsonEdit[] {
  const bound = target.maxOutputTokens;
  if (request.maxOutputTokens !== undefined || bound === undefined) return [];
  return asObject(body['inferenceConfig']) === undefined
    ? [{ path: ['inferenceConfig'], text: `{"maxTokens":${bound}}` }]
    : [{ path: ['inferenceConfig', 'maxTokens'], text: String(bound) }];
}

/** What other models left in a conversation, and this one does not take. */
class MessageRepair {
  readonly #family: ModelFamily;
  readonly #messages: readonly JsonObject[];
  readonly #ids: ToolIds;
  readonly isNeeded: boolean;

  constructor(family: ModelFamily, messages: readonly JsonObject[]) {
    this.#family = family;
    this.#messages = messages;
    const blocks = messages.flatMap((message) => objectsIn(message, 'content'));
    const ids = blocks.flatMap(toolIdOf);
    this.#ids = new ToolIds(ids);
    this.isNeeded = ids.some((id) => !isValidToolName(id)) || blocks.some((block) => !this.#isTaken(block));
  }

  /** Turns left without content are left out. */
  messages(): readonly Json[] {
    return this.#messages.flatMap((message) => {
      const content = objectsIn(message, 'content')
        .filter((block) => this.#isTaken(block))
        .map((block) => this.#withValidId(block));
      return content.length === 0 ? [] : [{ ...message, content }];
    });
  }

  #isTaken(block: JsonObject): boolean {
    const reasoning = asObject(block['reasoningContent']);
    if (reasoning === undefined) return true;
    const redacted = reasoning['redactedContent'];
    if (typeof redacted === 'string' && readProofBytes(redacted) !== undefined) return false;
    if (redacted !== undefined) return takesReasoning(this.#family, 'encrypted');
    const shown = asObject(reasoning['reasoningText']);
    if (shown === undefined) return true;
    const signature = stringIn(shown, 'signature') ?? '';
    if (isCarried(signature)) return false;
    return takesReasoning(this.#family, signature === '' ? 'unsigned' : 'signed');
  }

  #withValidId(block: JsonObject): JsonObject {
    const name = TOOL_BLOCKS.find((member) => isJsonObject(block[member]));
    const value = name === undefined ? undefined : asObject(block[name]);
    const id = value === undefined ? undefined : stringIn(value, 'toolUseId');
    if (name === undefined || id === undefined || isValidToolName(id)) return block;
    return { ...block, [name]: { ...value, toolUseId: this.#ids.of(id) } };
  }
}

const TOOL_BLOCKS = ['toolUse', 'toolResult'] as const;

function toolIdOf(block: JsonObject): readonly string[] {
  return TOOL_BLOCKS.flatMap((name) => {
    const value = asObject(block[name]);
    return value === undefined ? [] : (stringIn(value, 'toolUseId') ?? []);
  });
}
