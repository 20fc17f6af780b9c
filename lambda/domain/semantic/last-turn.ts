import { canonicalMembers, canonicalText } from '../canonical-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { literalsOf } from './literals.ts';

/** A request, taken apart into what must be the same and the one thing that is compared by meaning. */
export interface ComparableTurn {
  /** What the user said last. */
  readonly text: string;
  /** The body without it: everything else that can change the answer, as JSON in its canonical form. */
  readonly rest: string;
  /** What must be the same within the text too. @see literalsOf */
  readonly literals: readonly string[];
}

/**
 * Takes the text of the last user turn out of a body; `undefined` where it cannot be compared by its meaning: where the last
 * turn is no user's, holds more than text, is longer than `maxCharacters` (the longer a text, the less a difference that
 * matters moves its vector), or is in a script without capital letters, in which names look like all words. OpenAI's chat
 * format and Anthropic's write such a turn alike; a body of another format has none.
 * @param raw the body, which is a JSON object
 */
export function comparableTurn(raw: string, maxCharacters: number): ComparableTurn | undefined {
  const members = canonicalMembers(raw);
  const messages = members.get('messages') ?? '';
  const parsed = parseJson(messages);
  const last = Array.isArray(parsed) ? parsed.at(-1) : undefined;
  if (!isJsonObject(last) || last['role'] !== 'user') return undefined;
  const written = `${canonical(last)}]`;
  // Numbers that are not written back as they stood: rather than lose a digit of them, it is compared exactly.
  if (!messages.endsWith(written)) return undefined;
  const texts = textsOf(last['content']);
  if (texts === undefined) return undefined;
  const text = texts.join('\n').trim();
  if (text === '' || text.length > maxCharacters || HAS_UNCASED_LETTER.test(text)) return undefined;
  const others = messages.slice(0, -written.length);
  const rest = new Map(members).set('messages', `${others}${canonical(withoutTexts(last))}]`);
  return { text, rest: canonicalText(rest), literals: literalsOf(text) };
}

const HAS_UNCASED_LETTER = /\p{Lo}/u;

const canonical = (value: JsonObject): string => canonicalText(canonicalMembers(JSON.stringify(value)));

/** `undefined` where it holds more than text. */
function textsOf(content: Json | undefined): readonly string[] | undefined {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return undefined;
  const texts = content.flatMap((part: Json) => (isText(part) ? [part.text] : []));
  return texts.length === content.length ? texts : undefined;
}

type TextPart = JsonObject & { readonly type: 'text'; readonly text: string };
const isText = (part: Json): part is TextPart =>
  isJsonObject(part) && part['type'] === 'text' && typeof part['text'] === 'string';

/** How many parts there are, and what else stands in them, stays. */
function withoutTexts(turn: JsonObject): JsonObject {
  const { content } = turn;
  const emptied = Array.isArray(content)
    ? content.map((part: Json) => (isText(part) ? { ...part, text: '' } : part))
    : '';
  return { ...turn, content: emptied };
}
