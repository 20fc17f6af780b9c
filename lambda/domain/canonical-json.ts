import { skipSpace, skipString } from './json-text.ts';

/**
 * The members of a JSON object, each value written in the one way that says the same: members in the order of their names,
 * no white space, escapes only where they must be. Numbers stay as they stand, so that none loses digits.
 *
 * A caller may nest as deep as a body is long: what is open is kept in a list, not on the call stack, and texts are joined with
 * `+`, which copies nothing until the end.
 * @param text valid JSON whose top level is an object that gives no name twice
 */
export function canonicalMembers(text: string): ReadonlyMap<string, string> {
  const top = openAt('{');
  const open: Open[] = [top];
  for (let at = skipSpace(text, skipSpace(text, 0) + 1); at < text.length; at = skipSpace(text, at)) {
    const char = text.charAt(at);
    if (!'{}[],'.includes(char)) {
      at = readScalar(text, at, open.at(-1) ?? top);
      continue;
    }
    if (char === '{' || char === '[') open.push(openAt(char));
    else if (char !== ',') closeLast(open);
    at += 1;
  }
  // A JSON string parses to a string.
  return new Map(top.members.map(([name, value]) => [JSON.parse(name) as string, value]));
}

/** One text for all members, whatever order they came in. */
export function canonicalText(members: ReadonlyMap<string, string>): string {
  const named = [...members].map(([name, value]): Member => [JSON.stringify(name), value]);
  return close({ type: 'object', members: named, items: '' });
}

/** A name in quotes, and its value. */
type Member = readonly [string, string];

/** An object or array whose end has not come yet: it has members, or items. */
interface Open {
  readonly type: 'object' | 'array';
  readonly members: Member[];
  /** Of the member to come. */
  name: string;
  items: string;
}

const openAt = (bracket: '{' | '['): Open => ({
  type: bracket === '{' ? 'object' : 'array',
  members: [],
  name: '',
  items: '',
});

/** The last one has ended: it becomes a value of the one it stands in. The top one stands in none. */
function closeLast(open: Open[]): void {
  const last = open.pop();
  const parent = open.at(-1);
  if (last !== undefined && parent !== undefined) add(parent, close(last));
}

/** Reads a name, a string, a number or a literal. @returns where it ends */
function readScalar(text: string, at: number, current: Open): number {
  if (text[at] !== '"') {
    const end = endOfLiteral(text, at);
    add(current, text.slice(at, end));
    return end;
  }
  const end = skipString(text, at);
  const written = plainString(text.slice(at, end));
  const next = skipSpace(text, end);
  if (text[next] !== ':') {
    add(current, written);
    return end;
  }
  current.name = written;
  return next + 1;
}

function endOfLiteral(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && !',}] \n\r\t'.includes(text.charAt(at))) at += 1;
  return at;
}

const plainString = (written: string): string =>
  written.includes('\\') ? JSON.stringify(JSON.parse(written)) : written;

function add(parent: Open, value: string): void {
  if (parent.type === 'object') parent.members.push([parent.name, value]);
  else parent.items += parent.items === '' ? value : `,${value}`;
}

function close({ type, members, items }: Pick<Open, 'type' | 'members' | 'items'>): string {
  if (type === 'array') return `[${items}]`;
  // Of a name given twice the order counts, and a sort leaves it.
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  let text = '';
  for (const [name, value] of sorted) text += `${text === '' ? '' : ','}${name}:${value}`;
  return `{${text}}`;
}
