import { editJson, type JsonEdit, memberText } from '../domain/edit-json.ts';
import { isJsonObject, type Json, parseJsonObject } from '../domain/json.ts';
import type { RequestQuirks } from '../providers/contract.ts';
import { messageEdits, pathsWithin } from './message-quirks.ts';

/** A body as a provider takes it. */
export interface FittedBody {
  readonly text: string;
  /** Members that the provider refuses and that were there: left out. */
  readonly dropped: readonly string[];
}

/**
 * Fits a body to a provider's quirks, whether it was encoded or passes as the caller wrote it: every other byte stays.
 * @param text a JSON object
 */
export function fitBody(text: string, quirks: RequestQuirks | undefined): FittedBody {
  const body = quirks !== undefined && mayMatter(text, quirks) ? parseJsonObject(text) : undefined;
  if (quirks === undefined || body === undefined) return { text, dropped: [] };
  const { set = {}, remove = [], drop = [], rename = {}, roles = {} } = quirks;
  const dropped = drop.filter((name) => Object.hasOwn(body, name));
  const within = (quirks.dropWithin ?? []).filter((path) => pathsWithin(body, path).length > 0);
  const removed = [...(quirks.removeWithin ?? []), ...within].flatMap((path) => pathsWithin(body, path));
  const messages = messageEdits(body['messages'], quirks);
  const edits: readonly JsonEdit[] = [
    ...Object.entries(set).map(([name, value]) => ({ path: [name], text: JSON.stringify(value) })),
    ...[...remove, ...dropped].map((name) => ({ path: [name], text: undefined })),
    ...Object.entries(rename).flatMap(([from, to]) => renaming(text, from, to)),
    ...removed.map((path) => ({ path, text: undefined })),
    ...roleEdits(body['messages'], roles),
    ...messages,
  ];
  return {
    text: editJson(text, edits),
    dropped: [...dropped, ...within.map((path) => path.filter((step) => step !== '*').join('.'))],
  };
}

/** Whether anything that has a quirk can stand in the text: a prompt of megabytes is not parsed for nothing. */
function mayMatter(text: string, quirks: RequestQuirks): boolean {
  const { set = {}, remove = [], drop = [], rename = {}, roles = {} } = quirks;
  if (Object.keys(set).length > 0) return true;
  const within = [...(quirks.removeWithin ?? []), ...(quirks.dropWithin ?? [])].map((path) => path.at(-1));
  const ofCalls = quirks.callIdLength === undefined ? [] : ['tool_calls', 'tool_call_id'];
  const ofResults = quirks.answerBetween === undefined ? [] : ['tool'];
  const words = [...remove, ...drop, ...Object.keys(rename), ...Object.keys(roles)];
  // Names may be written with escapes.
  if (text.includes('\\u')) return true;
  return [...words, ...within, ...ofCalls, ...ofResults].some((word) => text.includes(`"${word}"`));
}

/** A member that stands there under the new name already is the caller's own wish, and stays. */
function renaming(text: string, from: string, to: string): readonly JsonEdit[] {
  const value = memberText(text, from);
  if (value === undefined) return [];
  const removed = { path: [from], text: undefined };
  return memberText(text, to) === undefined ? [removed, { path: [to], text: value }] : [removed];
}

function roleEdits(messages: Json | undefined, roles: Readonly<Record<string, string>>): readonly JsonEdit[] {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: Json, index) => {
    const role = isJsonObject(message) ? message['role'] : undefined;
    const other = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : undefined;
    return other === undefined
      ? []
      : [{ path: ['messages', String(index), 'role'], text: JSON.stringify(other) }];
  });
}
