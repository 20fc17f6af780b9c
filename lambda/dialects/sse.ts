/**
 * Server-sent events, as every SSE dialect reads and rewrites them.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

/** One block of an event stream, up to and including its blank line. */
export interface ServerSentEvent {
  /** The block's text exactly as it came, blank line included. All blocks together are the stream. */
  readonly raw: string;
  readonly event: string | undefined;
  /** The block's data lines joined by `\n`; `undefined` for a block without any (comments, blank lines). */
  readonly data: string | undefined;
}

/** What every format that streams server-sent events says of its stream. A comment keeps an idle one open. */
export const SSE_STREAM = {
  keepAlive: ': keep-alive\n\n',
  streamContentType: 'text/event-stream; charset=utf-8',
  streamEncoding: 'utf8',
} as const;

/** The largest block that is read, in bytes. */
export const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = /^\uFEFF/;
const LINE_END = /\r\n|\n|\r/;

/**
 * Reads an event stream block by block, in time linear in its bytes however they are cut. A last block that lacks its
 * blank line is yielded too: some providers leave it out, and a cut block must be seen to be cut.
 *
 * @throws RangeError for a block of more than MAX_EVENT_BYTES, and whatever reading the bytes throws
 */
export async function* readServerSentEvents(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const blocks = new BlockReader();
  for await (const chunk of bytes) {
    blocks.append(chunk);
    for (let raw = blocks.next(); raw !== undefined; raw = blocks.next()) yield parseServerSentEvent(raw);
  }
  for (let raw = blocks.last(); raw !== undefined; raw = blocks.last()) yield parseServerSentEvent(raw);
}

/** The block's text with other data: names, comments, line ends and the space after the colon stay as they were. */
export function replaceData(event: ServerSentEvent, data: string): string {
  if (event.data === data || event.data === undefined) return event.raw;
  let isWritten = false;
  return event.raw.replace(/(?<=^\uFEFF?|\n|\r)data(?:(: ?)[^\r\n]*)?(\r\n|\n|\r|$)/g, replaceLine);

  function replaceLine(_line: string, colon: string | undefined, lineEnd: string): string {
    if (isWritten) return '';
    isWritten = true;
    const name = colon === ':' ? 'data:' : 'data: ';
    const lines = data.split('\n').map((line) => (line.startsWith(' ') ? `data: ${line}` : name + line));
    return lines.join(lineEnd === '' ? '\n' : lineEnd) + lineEnd;
  }
}

/** Reads the text of one block. A byte order mark before its first line is no part of it. */
export function parseServerSentEvent(raw: string): ServerSentEvent {
  const fields = raw.replace(BYTE_ORDER_MARK, '').split(LINE_END).map(parseField);
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value);
  return {
    raw,
    event: fields.findLast(({ name }) => name === 'event')?.value,
    data: data.length === 0 ? undefined : data.join('\n'),
  };
}

function parseField(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { name: line, value: '' };
  return { name: line.slice(0, colon), value: line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1) };
}

/**
 * Cuts bytes into blocks. It works on bytes, not text, so that a character split across chunks needs no care (no byte of
 * a multi-byte character is a line end), and remembers how far it looked, so that no byte is looked at twice.
 */
class BlockReader {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #buffer = new Uint8Array(4096);
  #blockStart = 0;
  #lineStart = 0;
  #scanned = 0;
  #end = 0;

  append(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole block; `undefined` when more bytes are needed. */
  next(isLast = false): string | undefined {
    for (let at = this.#scanned; at < this.#end; at += 1) {
      const byte = this.#buffer[at];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) continue;
      if (byte === CARRIAGE_RETURN && at + 1 === this.#end && !isLast) return this.#wait(at);
      const width = byte === CARRIAGE_RETURN && this.#isAt(at + 1, LINE_FEED) ? 2 : 1;
      const isBlank = at === this.#lineStart;
      this.#lineStart = at + width;
      if (isBlank) return this.#take(at + width);
      at += width - 1;
    }
    return this.#wait(this.#end);
  }

  /** As `next`, when no more bytes will come: whatever is left is a block. */
  last(): string | undefined {
    const whole = this.next(true);
    if (whole !== undefined || this.#blockStart === this.#end) return whole;
    return this.#take(this.#end);
  }

  #isAt(index: number, byte: number): boolean {
    return index < this.#end && this.#buffer[index] === byte;
  }

  #wait(scanned: number): undefined {
    this.#scanned = scanned;
    if (this.#end - this.#blockStart > MAX_EVENT_BYTES)
      throw new RangeError(`A server-sent event is larger than ${MAX_EVENT_BYTES} bytes.`);
    return undefined;
  }

  #take(end: number): string {
    const block = this.#decoder.decode(this.#buffer.subarray(this.#blockStart, end));
    this.#blockStart = end;
    this.#lineStart = end;
    this.#scanned = end;
    return block;
  }

  /** Moves the unfinished block to the front, and to a larger buffer when it needs one (at least twice the size). */
  #makeRoom(length: number): void {
    const kept = this.#end - this.#blockStart;
    const needed = kept + length;
    if (this.#end + length <= this.#buffer.length) return;
    const unfinished = this.#buffer.subarray(this.#blockStart, this.#end);
    const next = needed * 2 > this.#buffer.length ? new Uint8Array(needed * 2) : this.#buffer;
    next.set(unfinished, 0);
    this.#buffer = next;
    this.#lineStart -= this.#blockStart;
    this.#scanned -= this.#blockStart;
    this.#end = kept;
    this.#blockStart = 0;
  }
}
