import type { JsonEdit } from '../domain/edit-json.ts';
import { fnv1a } from '../domain/fnv.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { RequestQuirks } from '../providers/contract.ts';

/** The places that a path names, `*` being every item of a list; none where nothing stands there. */
export function pathsWithin(
  value: Json | undefined,
  path: readonly string[],
): readonly (readonly string[])[] {
  const [step, ...rest] = path;
  if (step === undefined) return value === undefined ? [] : [[]];
  const steps = step === '*' ? itemsOf(value).map((_, index) => String(index)) : [step];
  return steps.flatMap((name) =>
    pathsWithin(childOf(value, name), rest).map((inner): readonly string[] => [name, ...inner]),
  );
}

// Array.isArray does not narrow readonly arrays; what JSON holds as an array is a list of Json.
const itemsOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

function childOf(value: Json | undefined, name: string): Json | undefined {
  if (isJsonObject(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  return itemsOf(value)[Number(name)];
}

/** What has to change in the messages of a conversation in OpenAI's form: ids of tool calls, and who speaks after whom. */
export function messageEdits(
  messages: Json | undefined,
  { callIdLength, answerBetween }: RequestQuirks,
): readonly JsonEdit[] {
  const list = itemsOf(messages);
  return [
    ...(callIdLength === undefined ? [] : callIdEdits(list, callIdLength)),
    ...(answerBetween === undefined ? [] : answerEdits(list, answerBetween)),
  ];
}

/** Where ids of calls stand, in calls and in results. */
const CALL_IDS = [
  ['*', 'tool_calls', '*', 'id'],
  ['*', 'tool_call_id'],
];

function callIdEdits(messages: readonly Json[], length: number): readonly JsonEdit[] {
  const isRight = new RegExp(`^[a-zA-Z0-9]{${length}}$`);
  const places = CALL_IDS.flatMap((path) => pathsWithin(messages, path)).flatMap((path) => {
    const id = path.reduce<Json | undefined>(childOf, messages);
    return typeof id === 'string' ? [{ path, id }] : [];
  });
  const taken = new Set(places.map(({ id }) => id).filter((id) => isRight.test(id)));
  const made = new Map<string, string>();
  return places.flatMap(({ path, id }) => {
    if (isRight.test(id)) return [];
    const known = made.get(id) ?? freeId(id, length, taken);
    made.set(id, known);
    taken.add(known);
    return [{ path: ['messages', ...path], text: JSON.stringify(known) }];
  });
}

/** An id made of another one, the same each time the conversation is sent. */
function freeId(id: string, length: number, taken: ReadonlySet<string>): string {
  for (let round = 0; ; round += 1) {
    let text = '';
    for (let part = 0; text.length < length; part += 1) text += checksum(`${round}.${part}.${id}`);
    const candidate = text.slice(0, length);
    if (!taken.has(candidate)) return candidate;
  }
}

/** In seven letters and digits. */
const checksum = (text: string): string => fnv1a(text).toString(36).padStart(7, '0');

/** The user's message is written anew, with the answer before it: nothing else can be added to a list. */
function answerEdits(messages: readonly Json[], content: string): readonly JsonEdit[] {
  const answer: JsonObject = { role: 'assistant', content };
  return messages.flatMap((message, index) => {
    if (roleOf(message) !== 'user' || roleOf(messages[index - 1]) !== 'tool') return [];
    return [
      { path: ['messages', String(index)], text: `${JSON.stringify(answer)},${JSON.stringify(message)}` },
    ];
  });
}

const roleOf = (message: Json | undefined): Json | undefined =>
  isJsonObject(message) ? message['role'] : undefined;
