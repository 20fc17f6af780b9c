import { skipSpace, skipString } from './json-text.ts';

/**
 * A change to JSON text. `path` names nested members of objects, and items of arrays by their index (`'0'`). `text` is the new
 * value, already JSON; `undefined` removes the member. A member that is not there is added, unless `ifPresent`; its parent
 * must be there. Items are changed, or changed within, never added or removed.
 */
export interface JsonEdit {
  readonly path: readonly string[];
  readonly text: string | undefined;
  readonly ifPresent?: boolean;
}

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A member of an object, or an item of an array. */
interface Member {
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/**
 * Changes members of a JSON object in its text, leaving every other byte as it was: key order, white space, escapes and
 * numbers beyond 2^53 survive, which parse and stringify would lose.
 *
 * @param text valid JSON whose top level is an object (callers parse it anyway); of a name given twice, the last counts,
 *   as it does for `JSON.parse`, and every occurrence is edited
 * @param edits of different places, none of them within another
 */
export function editJson(text: string, edits: readonly JsonEdit[]): string {
  const splices: Splice[] = [];
  collectSplices(text, skipSpace(text, 0), edits, splices);
  // Where members are added and removed at one place, the addition takes up no text and goes first.
  splices.sort((a, b) => a.start - b.start || a.end - b.end);
  let result = '';
  let at = 0;
  for (const splice of splices) {
    result += text.slice(at, splice.start) + splice.text;
    at = splice.end;
  }
  return result + text.slice(at);
}

/**
 * Whether an object in JSON text, at any depth, gives a name twice: readers differ in which of the two they believe.
 * @param text valid JSON
 */
export function hasRepeatedNames(text: string): boolean {
  const open: Set<string>[] = [];
  let names = new Set<string>();
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
        open.push(names);
        names = new Set();
        break;
      case '}':
        names = open.pop() ?? names;
        break;
      case '"': {
        const end = skipString(text, at);
        if (text[skipSpace(text, end)] === ':') {
          const name = memberName(text.slice(at, end));
          if (names.has(name)) return true;
          names.add(name);
        }
        at = end - 1;
      }
    }
  }
  return false;
}

// A JSON string parses to a string.
const memberName = (written: string): string =>
  written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);

/** The text of a member of an object's text, at its top level: of a name given twice, the last. `undefined` where it is not there. */
export function memberText(text: string, name: string): string | undefined {
  const open = skipSpace(text, 0);
  if (text[open] !== '{') return undefined;
  const member = readMembers(text, open).findLast((candidate) => candidate.name === name);
  return member && text.slice(member.valueStart, member.end);
}

/** The text of each element of an array's text; `undefined` where it is no array. */
export function elementTexts(text: string): readonly string[] | undefined {
  const open = skipSpace(text, 0);
  if (text[open] !== '[') return undefined;
  const elements: string[] = [];
  let at = skipSpace(text, open + 1);
  while (at < text.length && text[at] !== ']') {
    const end = skipValue(text, at);
    elements.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return elements;
}

function collectSplices(text: string, open: number, edits: readonly JsonEdit[], splices: Splice[]): void {
  if (text[open] === '[') collectItemSplices(text, open, edits, splices);
  if (text[open] !== '{') return;
  const members = readMembers(text, open);
  const kept = members.filter((member) => !edits.some((edit) => isRemoval(edit, member)));
  // One by one: a caller's body can hold more members than a call can have arguments.
  for (const removal of removals(members, kept, open)) splices.push(removal);
  for (const member of kept) collectMemberSplices(text, member, edits, splices);
  const added = additions(edits, members);
  if (added.length > 0)
    splices.push({ start: open + 1, end: open + 1, text: added.join(',') + (kept.length > 0 ? ',' : '') });
}

function collectMemberSplices(
  text: string,
  member: Member,
  edits: readonly JsonEdit[],
  splices: Splice[],
): void {
  const matching = edits.filter((edit) => edit.path[0] === member.name);
  const replacement = matching.find((edit) => edit.path.length === 1);
  if (replacement?.text !== undefined) {
    splices.push({ start: member.valueStart, end: member.end, text: replacement.text });
    return;
  }
  const nested = matching.filter((edit) => edit.path.length > 1);
  if (nested.length > 0) collectSplices(text, member.valueStart, nested.map(withoutFirst), splices);
}

function collectItemSplices(text: string, open: number, edits: readonly JsonEdit[], splices: Splice[]): void {
  // By index, since a caller's array can be long, and have an edit for every item.
  const byIndex = Map.groupBy(edits, ({ path: [index] }) => index);
  let at = skipSpace(text, open + 1);
  for (let index = 0; at < text.length && text[at] !== ']'; index += 1) {
    const end = skipValue(text, at);
    const name = String(index);
    const own = byIndex.get(name);
    if (own !== undefined) collectMemberSplices(text, { name, start: at, valueStart: at, end }, own, splices);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
}

const withoutFirst = (edit: JsonEdit): JsonEdit => ({ ...edit, path: edit.path.slice(1) });
const isRemoval = (edit: JsonEdit, member: Member): boolean =>
  edit.text === undefined && edit.path.length === 1 && edit.path[0] === member.name;

/** New members stand first, so that no comma of the old text has to move. */
function additions(edits: readonly JsonEdit[], members: readonly Member[]): string[] {
  return edits.flatMap((edit) => {
    const name = edit.path[0];
    const isNew = edit.path.length === 1 && !members.some((member) => member.name === name);
    return isNew && edit.text !== undefined && edit.ifPresent !== true
      ? [`${JSON.stringify(name)}:${edit.text}`]
      : [];
  });
}

/** Cuts members out together with one neighbouring comma each; none where all are kept. */
function removals(members: readonly Member[], kept: readonly Member[], open: number): Splice[] {
  const last = members.at(-1);
  if (kept.length === 0 && last !== undefined) return [{ start: open + 1, end: last.end, text: '' }];
  const firstKept = kept[0];
  const isKept = new Set(kept);
  return members.flatMap((member, index) => {
    if (isKept.has(member)) return [];
    const before = members[index - 1];
    const after = members[index + 1];
    const isBeforeFirstKept = firstKept !== undefined && member.start < firstKept.start;
    if (isBeforeFirstKept && after !== undefined)
      return [{ start: member.start, end: after.start, text: '' }];
    return [{ start: before?.end ?? member.start, end: member.end, text: '' }];
  });
}

function readMembers(text: string, open: number): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, open + 1);
  while (at < text.length && text[at] !== '}') {
    const nameEnd = skipString(text, at);
    const name = memberName(text.slice(at, nameEnd));
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = skipValue(text, valueStart);
    members.push({ name, start: at, valueStart, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

function skipValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return skipString(text, start);
  if (first === '{' || first === '[') return skipNested(text, start);
  let at = start;
  while (at < text.length && !',}] \n\r\t'.includes(text.charAt(at))) at += 1;
  return at;
}

function skipNested(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      at = skipString(text, at);
      continue;
    }
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    at += 1;
    if (depth === 0) break;
  }
  return at;
}
