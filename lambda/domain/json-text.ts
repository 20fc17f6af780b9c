/** The index after the closing quote. Jumps from quote to quote, so a prompt of megabytes costs little. */
export function skipString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return text.length;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

export function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \n\r\t'.includes(text.charAt(at))) at += 1;
  return at;
}

/**
 * JSON text whose member names are written without needless escapes (`"\\u006e"` becomes `"n"`), at every depth.
 *
 * Node 24.21's JSON.parse can give a value to another name than the one that stands there: it compares an escaped name as it is
 * written with the name that followed in an earlier object of the same shape. `JSON.parse('{"m":1,"\\\\":1}')` and then
 * `JSON.parse('{"m":1,"\\u006e":2}')` gives `{ m: 1, '\\': 2 }`. What is read must be what a provider reads.
 */
export function withPlainNames(text: string): string {
  if (!text.includes('\\')) return text;
  let result = '';
  let copied = 0;
  for (let at = text.indexOf('"'); at !== -1; ) {
    const end = skipString(text, at);
    const name = text[skipSpace(text, end)] === ':' ? text.slice(at, end) : '';
    if (name.includes('\\')) {
      result += text.slice(copied, at) + plainName(name);
      copied = end;
    }
    at = text.indexOf('"', end);
  }
  return result + text.slice(copied);
}

/** An escape that is none stays, and fails in the parser. */
function plainName(name: string): string {
  try {
    return JSON.stringify(JSON.parse(name));
  } catch {
    return name;
  }
}
