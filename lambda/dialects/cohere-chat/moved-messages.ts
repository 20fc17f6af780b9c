import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { isCarried } from '../carried-proof.ts';
import { defined, textIn } from '../loose.ts';

/**
 * A caller's own messages without the proofs of providers that answered before: with them go the thoughts they are of, as
 * they do where a request is made anew.
 * @returns `undefined` where there are none, and the messages can stay as they are
 */
export function withoutProofs(raw: string): readonly Json[] | undefined {
  if (!raw.includes('"sluice:')) return undefined;
  const messages = parseJsonObject(raw)?.['messages'];
  return Array.isArray(messages) ? messages.map(withoutProof) : undefined;
}

function withoutProof(message: Json): Json {
  if (!isJsonObject(message)) return message;
  const { content, tool_calls: calls } = message;
  return defined({
    ...message,
    content: Array.isArray(content) ? contentOf(content) : content,
    tool_calls: Array.isArray(calls) ? calls.map(unsignedCall) : calls,
  });
}

function contentOf(content: readonly Json[]): readonly Json[] | undefined {
  const kept = content.filter((item) => !isProven(item));
  return kept.length === 0 ? undefined : kept;
}

const isProven = (item: Json): item is JsonObject =>
  isJsonObject(item) && isCarried(textIn(item, 'signature') ?? '');

function unsignedCall(call: Json): Json {
  if (!isProven(call)) return call;
  const { signature: _, ...rest } = call;
  return rest;
}
