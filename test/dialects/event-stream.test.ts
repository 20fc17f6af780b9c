import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bytesFromLatin1,
  crc32,
  decodeMessage,
  EventStreamError,
  encodeMessage,
  latin1FromBytes,
  MAX_MESSAGE_BYTES,
  readEventStream,
  replacePayload,
} from '../../lambda/dialects/event-stream.ts';
import { inChunks } from './recordings.ts';

const bytesOfText = (text: string): Uint8Array => new TextEncoder().encode(text);

const read = (stream: string, size = 65_536) =>
  Array.fromAsync(readEventStream(inChunks(bytesFromLatin1(stream), size)));

/** A message with headers given as bytes, and checksums that are right. */
function framed(headers: readonly number[], payload = ''): string {
  const empty = encodeMessage({}, payload);
  const bytes = bytesFromLatin1(empty);
  const whole = new Uint8Array([
    ...bytes.subarray(0, 12),
    ...headers,
    ...bytes.subarray(12, -4),
    ...[0, 0, 0, 0],
  ]);
  const view = new DataView(whole.buffer);
  view.setUint32(0, whole.length);
  view.setUint32(4, headers.length);
  view.setUint32(8, crc32(whole.subarray(0, 8)));
  view.setUint32(whole.length - 4, crc32(whole.subarray(0, -4)));
  return latin1FromBytes(whole);
}

describe('the checksum', () => {
  test('is the one of zip and Ethernet', () => {
    expect(crc32(bytesOfText('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });
});

describe('a message', () => {
  test('is the same after writing and reading, however its bytes are cut', async () => {
    const messages = fc.array(
      fc.record({
        headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.string(), { maxKeys: 4 }),
        payload: fc.string({ unit: 'grapheme' }),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(messages, fc.integer({ min: 1, max: 40 }), async (written, size) => {
        const stream = written.map(({ headers, payload }) => encodeMessage(headers, payload));
        const found = await read(stream.join(''), size);
        expect(found.map(({ raw }) => raw)).toEqual(stream);
        expect(found.map(({ headers }) => [...headers])).toEqual(
          written.map(({ headers }) => Object.entries(headers)),
        );
        expect(found.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(
          written.map(({ payload }) => payload.toWellFormed()),
        );
      }),
    );
  });

  test('may have headers of every type', () => {
    const named = (name: string, ...value: readonly number[]) => [1, name.charCodeAt(0), ...value];
    const { headers, payload } = decodeMessage(
      bytesFromLatin1(
        framed(
          [
            ...named('a', 0),
            ...named('b', 1),
            ...named('c', 2, 0xff),
            ...named('d', 3, 0x01, 0x00),
            ...named('e', 4, 0, 1, 0, 0),
            ...named('f', 5, 0, 0, 0, 0, 0, 0, 0, 7),
            ...named('g', 6, 0, 2, 8, 9),
            ...named('h', 7, 0, 2, 0xc3, 0xbc),
            ...named('i', 8, 0, 0, 0, 0, 0, 0, 1, 0),
            ...named('j', 9, ...Array.from({ length: 16 }, (_, index) => index)),
          ],
          '{}',
        ),
      ),
    );
    expect([...headers.values()]).toEqual([
      true,
      false,
      -1,
      256,
      65_536,
      7n,
      new Uint8Array([8, 9]),
      'ü',
      256n,
      Uint8Array.from({ length: 16 }, (_, index) => index),
    ]);
    expect(new TextDecoder().decode(payload)).toBe('{}');
  });

  test('keeps its headers when it is given another payload', () => {
    const changed = replacePayload(encodeMessage({ a: 'b', c: 'd' }, 'old'), '{"new":"ü"}');
    expect(changed).toBe(encodeMessage({ a: 'b', c: 'd' }, '{"new":"ü"}'));
  });
});

describe('a stream that is none', () => {
  const whole = encodeMessage({ ':event-type': 'messageStart' }, '{"role":"assistant"}');

  test('is refused wherever one bit of it is wrong', async () => {
    for (let at = 0; at < whole.length; at += 1) {
      const bytes = bytesFromLatin1(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await expect(read(latin1FromBytes(bytes))).rejects.toThrow(EventStreamError);
    }
  });

  test('is refused where it ends within a message', async () => {
    for (let end = 1; end < whole.length; end += 1)
      await expect(read(whole.slice(0, end), 3)).rejects.toThrow('The stream ended within a message.');
  });

  test('is refused for a message that is too large, before its bytes are waited for', async () => {
    const prelude = new Uint8Array(12);
    const view = new DataView(prelude.buffer);
    view.setUint32(0, MAX_MESSAGE_BYTES + 1);
    view.setUint32(8, crc32(prelude.subarray(0, 8)));
    await expect(read(latin1FromBytes(prelude))).rejects.toThrow('A message is too large.');
  });

  test.each([
    ['whose headers are longer than it', [200, 97]],
    ['whose header has a value longer than the headers', [1, 97, 7, 0, 9, 98]],
    ['whose header lacks its value', [1, 97, 5, 0]],
    ['whose header is of an unknown type', [1, 97, 10]],
  ])('is refused for a message %s', async (_name, headers) => {
    await expect(read(framed(headers, 'some payload'))).rejects.toThrow(EventStreamError);
  });

  test('is refused for a message shorter than its own frame', async () => {
    const prelude = new Uint8Array(16);
    const view = new DataView(prelude.buffer);
    view.setUint32(0, 15);
    view.setUint32(8, crc32(prelude.subarray(0, 8)));
    await expect(read(latin1FromBytes(prelude))).rejects.toThrow(EventStreamError);
  });
});

test('a message of a megabyte in single bytes takes linear time', async () => {
  const large = encodeMessage({ a: 'b' }, 'x'.repeat(1_000_000));
  const startedAt = performance.now();
  const [message] = await read(large, 1);
  expect(message?.payload.length).toBe(1_000_000);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test('bytes of every value are one character each', () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);
  const text = latin1FromBytes(bytes);
  expect(text).toHaveLength(20_000);
  expect(bytesFromLatin1(text)).toEqual(bytes);
});
