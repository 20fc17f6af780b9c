import { parseJson } from '../domain/json.ts';

const DEPTH_CHANGES: ReadonlyMap<string, number> = new Map([
  ['{', 1],
  ['[', 1],
  ['}', -1],
  [']', -1],
]);

/** Whether text is the beginning of JSON whose end is missing. (Malformed JSON that is closed is the model's own fault.) */
export function isCutJson(text: string): boolean {
  if (text.trim() === '' || parseJson(text) !== undefined) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '"') depth += DEPTH_CHANGES.get(text.charAt(at)) ?? 0;
    else {
      at = closingQuote(text, at);
      if (at === -1) return true;
    }
  }
  return depth > 0;
}

function closingQuote(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return -1;
}
