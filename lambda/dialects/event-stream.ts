/**
 * Amazon's binary event stream, as the formats that use it read, write and rewrite it: messages of a prelude (total length,
 * length of the headers, checksum), headers, a payload and a checksum of it all. All numbers are big-endian.
 *
 * A message's bytes are also held as text of which each character is one byte (Latin-1), as frames are text.
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */

/** What a header holds: Amazon's services write strings only, the format knows nine types. */
export type HeaderValue = boolean | number | bigint | string | Uint8Array;

export interface EventMessage {
  /** The message's bytes exactly as they came, one character each. All messages together are the stream. */
  readonly raw: string;
  readonly headers: ReadonlyMap<string, HeaderValue>;
  readonly payload: Uint8Array;
}

/** The largest message that is read, in bytes. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const LEAST_MESSAGE_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES;

/** Bytes that are no event stream: a wrong checksum, an impossible length, a header that does not fit. */
export class EventStreamError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EventStreamError';
  }
}

/**
 * Reads a stream message by message, in time linear in its bytes however they are cut.
 * @throws EventStreamError for bytes that are no message, or end within one; and whatever reading the bytes throws
 */
export async function* readEventStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<EventMessage> {
  const messages = new MessageReader();
  for await (const chunk of bytes) {
    messages.append(chunk);
    for (let message = messages.next(); message !== undefined; message = messages.next()) yield message;
  }
  if (messages.hasRest) throw new EventStreamError('The stream ended within a message.');
}

/** Cuts bytes into messages. The bytes of a message are copied when it is whole, and looked at once. */
class MessageReader {
  #buffer = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  get hasRest(): boolean {
    return this.#start < this.#end;
  }

  append(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole message; `undefined` when more bytes are needed. */
  next(): EventMessage | undefined {
    const length = this.#nextLength();
    if (length === undefined || this.#end - this.#start < length) return undefined;
    const message = decodeMessage(this.#buffer.slice(this.#start, this.#start + length));
    this.#start += length;
    return message;
  }

  /** Checked before the message is waited for, so that a wrong length is not waited for in vain. */
  #nextLength(): number | undefined {
    if (this.#end - this.#start < PRELUDE_BYTES) return undefined;
    const prelude = this.#buffer.subarray(this.#start, this.#start + PRELUDE_BYTES);
    return checkedLength(viewOf(prelude), prelude);
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const waiting = this.#buffer.subarray(this.#start, this.#end);
    const size = Math.max(this.#buffer.length, 2 * (waiting.length + length));
    const buffer = new Uint8Array(size);
    buffer.set(waiting);
    this.#buffer = buffer;
    this.#end = waiting.length;
    this.#start = 0;
  }
}

function checkedLength(view: DataView, bytes: Uint8Array): number {
  const length = view.getUint32(0);
  if (view.getUint32(8) !== crc32(bytes.subarray(0, 8)))
    throw new EventStreamError("The checksum of a message's beginning is wrong.");
  if (length > MAX_MESSAGE_BYTES) throw new EventStreamError('A message is too large.');
  if (view.getUint32(4) > length - LEAST_MESSAGE_BYTES)
    throw new EventStreamError('A message is too short for its headers.');
  return length;
}

/**
 * Reads one whole message.
 * @throws EventStreamError
 */
export function decodeMessage(bytes: Uint8Array): EventMessage {
  if (bytes.length < LEAST_MESSAGE_BYTES) throw new EventStreamError('A message is too short.');
  const view = viewOf(bytes);
  const length = checkedLength(view, bytes);
  if (length !== bytes.length) throw new EventStreamError('A message has another length than it says.');
  const end = length - CHECKSUM_BYTES;
  if (view.getUint32(end) !== crc32(bytes.subarray(0, end)))
    throw new EventStreamError('The checksum of a message is wrong.');
  const headersEnd = PRELUDE_BYTES + view.getUint32(4);
  return {
    raw: latin1FromBytes(bytes),
    headers: readHeaders(bytes.subarray(PRELUDE_BYTES, headersEnd)),
    payload: bytes.subarray(headersEnd, end),
  };
}

function readHeaders(bytes: Uint8Array): ReadonlyMap<string, HeaderValue> {
  const headers = new Map<string, HeaderValue>();
  const reader = new HeaderReader(bytes);
  try {
    while (reader.hasMore) {
      const name = new TextDecoder().decode(reader.take(reader.take(1).getUint8(0)));
      headers.set(name, reader.value());
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EventStreamError('A header does not fit into its message.');
  }
  return headers;
}

/** Reads headers in their order. Beyond the end, a DataView throws RangeError. */
class HeaderReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  take(length: number): DataView {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, this.#rest(length));
    this.#at += length;
    return view;
  }

  /** Its length, unless it reaches beyond the headers into the payload. */
  #rest(length: number): number {
    if (this.#at + length > this.#bytes.length) throw new RangeError('beyond the headers');
    return length;
  }

  value(): HeaderValue {
    const type = this.take(1).getUint8(0);
    switch (type) {
      case 0:
        return true;
      case 1:
        return false;
      case 2:
        return this.take(1).getInt8(0);
      case 3:
        return this.take(2).getInt16(0);
      case 4:
        return this.take(4).getInt32(0);
      case 5:
      // A time, in milliseconds.
      case 8:
        return this.take(8).getBigInt64(0);
      case 6:
        return bytesOf(this.take(this.take(2).getUint16(0)));
      case 7:
        return new TextDecoder().decode(this.take(this.take(2).getUint16(0)));
      case 9:
        // A UUID.
        return bytesOf(this.take(16));
      default:
        throw new EventStreamError('A header is of an unknown type.');
    }
  }
}

const bytesOf = (view: DataView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One message, as text of one character a byte. @param headers strings, which is all that Amazon's services write */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: string): string {
  const parts = Object.entries(headers).map(([name, value]) => encodeHeader(name, value));
  return frameMessage(concat(parts), new TextEncoder().encode(payload));
}

/** The type of a header that holds a string. */
const STRING_TYPE = 7;

function encodeHeader(name: string, value: string): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  const valueBytes = new TextEncoder().encode(value);
  const header = new Uint8Array(1 + nameBytes.length + 3 + valueBytes.length);
  header[0] = nameBytes.length;
  header.set(nameBytes, 1);
  header[1 + nameBytes.length] = STRING_TYPE;
  viewOf(header).setUint16(2 + nameBytes.length, valueBytes.length);
  header.set(valueBytes, 4 + nameBytes.length);
  return header;
}

/** The message with another payload: its headers stay as they were, byte for byte. @param raw a whole message */
export function replacePayload(raw: string, payload: string): string {
  const bytes = bytesFromLatin1(raw);
  const headersEnd = PRELUDE_BYTES + viewOf(bytes).getUint32(4);
  return frameMessage(bytes.subarray(PRELUDE_BYTES, headersEnd), new TextEncoder().encode(payload));
}

function frameMessage(headers: Uint8Array, payload: Uint8Array): string {
  const message = new Uint8Array(LEAST_MESSAGE_BYTES + headers.length + payload.length);
  const view = viewOf(message);
  view.setUint32(0, message.length);
  view.setUint32(4, headers.length);
  view.setUint32(8, crc32(message.subarray(0, 8)));
  message.set(headers, PRELUDE_BYTES);
  message.set(payload, PRELUDE_BYTES + headers.length);
  const end = message.length - CHECKSUM_BYTES;
  view.setUint32(end, crc32(message.subarray(0, end)));
  return latin1FromBytes(message);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A call takes only so many arguments. */
const CHARACTERS_A_CALL = 8192;

/** Each byte as one character. (`TextDecoder('latin1')` reads Windows-1252, which differs.) */
export function latin1FromBytes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHARACTERS_A_CALL)
    text += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS_A_CALL));
  return text;
}

/** The bytes of text in which each character is one. */
export function bytesFromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The polynomial of IEEE 802.3, bits reversed. */
const POLYNOMIAL = 0xedb88320;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? POLYNOMIAL ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 as in zip and Ethernet, unsigned. @see https://www.w3.org/TR/png/#D-CRCAppendix */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  // The table has an entry for each value of a byte.
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
