import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  MAX_EVENT_BYTES,
  parseServerSentEvent,
  readServerSentEvents,
  replaceData,
  type ServerSentEvent,
} from '../../lambda/dialects/sse.ts';
import { inChunks } from './recordings.ts';

const encoder = new TextEncoder();

const read = (text: string, size: number = 65_536): Promise<ServerSentEvent[]> =>
  Array.fromAsync(readServerSentEvents(inChunks(encoder.encode(text), size)));

describe('readServerSentEvents', () => {
  test.each(['\n', '\r\n', '\r'])('ends lines with %j', async (end) => {
    const text = `event: a${end}data: 1${end}${end}data: 2${end}${end}`;
    for (const size of [1, 2, 3, 65_536])
      expect(await read(text, size)).toEqual([
        { raw: `event: a${end}data: 1${end}${end}`, event: 'a', data: '1' },
        { raw: `data: 2${end}${end}`, event: undefined, data: '2' },
      ]);
  });

  test('takes one space after the colon, or none', async () => {
    expect((await read('data:x\ndata:  y\ndata\n\n')).map(({ data }) => data)).toEqual(['x\n y\n']);
  });

  test('yields comments and surplus blank lines as blocks without data', async () => {
    const blocks = await read(': OPENROUTER PROCESSING\n\n\nid: 7\n\n');
    expect(blocks.map(({ data }) => data)).toEqual([undefined, undefined, undefined]);
  });

  test('leaves a byte order mark out of the first field and in the raw text', async () => {
    expect(await read('\uFEFFdata: x\n\n')).toEqual([
      { raw: '\uFEFFdata: x\n\n', event: undefined, data: 'x' },
    ]);
  });

  test('yields a last block that lacks its blank line', async () => {
    expect((await read('data: 1\n\ndata: 2')).map(({ data }) => data)).toEqual(['1', '2']);
    expect((await read('data: 1\n\r')).map(({ raw }) => raw)).toEqual(['data: 1\n\r']);
  });

  test('puts characters together that were split across chunks', async () => {
    expect((await read('data: 🎉é\n\n', 1)).map(({ data }) => data)).toEqual(['🎉é']);
  });

  test('loses no byte and depends on no chunk border', async () => {
    const piece = fc.constantFrom(
      'data',
      'event',
      ':',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'x',
      'é',
      '🎉',
      '\uFEFF',
    );
    const property = fc.asyncProperty(
      fc.array(piece),
      fc.integer({ min: 1, max: 9 }),
      async (pieces, size) => {
        const text = pieces.join('');
        const blocks = await read(text, size);
        expect(blocks.map(({ raw }) => raw).join('')).toBe(text);
        expect(blocks).toEqual(await read(text));
      },
    );
    await fc.assert(property);
  });

  test('refuses an event that is too large', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield encoder.encode('data: ');
      for (;;) yield new Uint8Array(1024 * 1024).fill(120);
    }
    await expect(Array.fromAsync(readServerSentEvents(endless()))).rejects.toThrow(RangeError);
  });

  test('reads an event of many one-byte chunks to the end', async () => {
    const text = `data: ${'x'.repeat(1_000_000)}\n\n`;
    const [block] = await read(text, 1);
    expect(block?.data).toHaveLength(1_000_000);
    expect(text.length).toBeLessThan(MAX_EVENT_BYTES);
  });
});

describe('replaceData', () => {
  test.each([
    ['data: old\n\n', 'data: new\n\n'],
    ['data:old\r\n\r\n', 'data:new\r\n\r\n'],
    [': note\nevent: a\nid: 1\ndata: old\n\n', ': note\nevent: a\nid: 1\ndata: new\n\n'],
    ['data: o\ndata: ld\n\n', 'data: new\n\n'],
    ['\uFEFFdata: old', '\uFEFFdata: new'],
    [': only a comment\n\n', ': only a comment\n\n'],
  ])('changes only the data of %j', (raw, expected) => {
    expect(replaceData(parseServerSentEvent(raw), 'new')).toBe(expected);
  });

  test('writes data of several lines as several fields', () => {
    expect(replaceData(parseServerSentEvent('data: a\n\n'), 'b\nc')).toBe('data: b\ndata: c\n\n');
  });

  test('reads back as the data that was written', () => {
    const line = fc.string().filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.constantFrom('\n', '\r\n', '\r'), (lines, end) => {
        const block = parseServerSentEvent(`event: a${end}data: old${end}data: er${end}${end}`);
        const replaced = parseServerSentEvent(replaceData(block, lines.join('\n')));
        expect(replaced).toMatchObject({ event: 'a', data: lines.join('\n') });
      }),
    );
  });
});
