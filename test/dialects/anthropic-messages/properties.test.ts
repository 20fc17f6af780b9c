import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { BlockAddress, ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { filled } from '../small-arbitraries.ts';
import { normalise, requestArbitrary, TARGET } from './arbitraries.ts';
import { framesOf, STREAMS } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
describe('requests', () => {
  test('are the same after encoding and decoding, but for what this dialect says otherwise', () => {
    fc.assert(
      fc.property(requestArbitrary, (asked) => {
        const { body, unsupported } = anthropicMessages.encodeRequest(asked, TARGET);
        expect(unsupported).toEqual([]);
        const wire = JSON.parse(JSON.stringify(body));
        expect(JSON.parse(JSON.stringify(anthropicMessages.decodeRequest(wire)))).toEqual(
          JSON.parse(JSON.stringify(normalise(asked))),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('of any shape decode or are refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
        decodesOrRefuses(JSON.parse(JSON.stringify(body)));
      }),
    );
  });

  test('with any value in any place decode or are refused, and nothing else', () => {
    const whole: JsonObject = {
      model: 'm',
      max_tokens: 10,
      system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: '' } },
            { type: 'document', source: { type: 'text', data: 'a' }, citations: { enabled: true } },
            { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'b' }] },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'a', signature: 'b' },
            { type: 'tool_use', id: 'a', name: 'b', input: {} },
          ],
        },
      ],
      tools: [
        { name: 'a', input_schema: {} },
        { type: 'bash_20250124', name: 'bash' },
      ],
      tool_choice: { type: 'tool', name: 'a' },
      thinking: { type: 'enabled', budget_tokens: 1024 },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: {} } },
      metadata: { user_id: 'a' },
      mcp_servers: [{}],
      stop_sequences: ['a'],
    };
    const places = placesIn(whole);
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('__proto__', 'constructor', 1e308, -1, [[[]]], { __proto__: null, type: 'text' }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, (place, value) => {
        const body = JSON.parse(JSON.stringify(whole));
        const parent = place.slice(0, -1).reduce((inner, key) => inner[key], body);
        parent[place.at(-1) ?? ''] = value;
        decodesOrRefuses(body);
      }),
      { numRuns: 500 },
    );
  });
});

function decodesOrRefuses(body: JsonObject): void {
  try {
    anthropicMessages.decodeRequest(body);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBeDefined();
  }
}

function placesIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key],
    ...placesIn(inner, [...path, key]),
  ]);
}

describe('streams', () => {
  test('of any bytes keep the rules of events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), keepsRules),
    );
  });

  test('of any events in any order keep the rules of events', async () => {
    const small = STREAMS.map(({ body }) => body).filter(({ length }) => length < 10_000);
    const blocks = small.flatMap((stream) => stream.split(/(?<=\r?\n\r?\n)/));
    const anyBlocks = fc.array(fc.constantFrom(...blocks), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyBlocks, (chosen) => keepsRules(new TextEncoder().encode(chosen.join('')), 4096)),
      { numRuns: 300 },
    );
  });

  test('that were recorded and then damaged keep the rules of events', async () => {
    const small = STREAMS.map(({ body }) => body).filter(({ length }) => length < 10_000);
    const damage = fc.record({
      stream: fc.constantFrom(...small),
      at: fc.nat({ max: 10_000 }),
      length: fc.nat({ max: 60 }),
      text: fc.oneof(fc.constant(''), fc.string({ maxLength: 5 }), fc.constantFrom('\n\n', '{', '"', 'null')),
    });
    await fc.assert(
      fc.asyncProperty(damage, ({ stream, at, length, text }) => {
        const damaged = stream.slice(0, at) + text + stream.slice(at + length);
        return keepsRules(new TextEncoder().encode(damaged), 977);
      }),
      { numRuns: 300 },
    );
  });
});

async function keepsRules(bytes: Uint8Array, chunkSize: number): Promise<void> {
  const frames = await framesOf(bytes, chunkSize);
  expect(brokenRules(eventsOf(frames))).toEqual([]);
  const raw = frames.map((frame) => frame.raw ?? '').join('');
  expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).startsWith(raw)).toBe(true);
}

describe('answers of other dialects', () => {
  type Piece = { readonly block: number; readonly text: string };
  const kinds = fc.array(fc.constantFrom('text', 'reasoning', 'tool-call'), { minLength: 1, maxLength: 4 });

  test('reach the caller whole, however their blocks interleave', async () => {
    await fc.assert(
      fc.asyncProperty(
        kinds,
        fc.array(fc.record({ block: fc.nat({ max: 3 }), text: filled }), { maxLength: 12 }),
        async (blocks, drawn) => {
          const pieces = drawn.filter(({ block }) => block < blocks.length);
          const encoder = anthropicMessages.createStreamEncoder(ENVELOPE);
          const text = interleaved(blocks, pieces).map((event) => encoder.encode(event));
          const events = eventsOf(await framesOf(text.join('')));
          expect(brokenRules(events)).toEqual([]);
          expect(contents(events)).toEqual(expectedContents(blocks, pieces));
        },
      ),
      { numRuns: 200 },
    );
  });

  function interleaved(blocks: readonly string[], pieces: readonly Piece[]): readonly ChatEvent[] {
    return [
      { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
      ...blocks.map((kind, block) => startOf(kind, { choice: 0, block })),
      ...pieces.map(({ block, text }) => pieceOf(blocks[block], text, { choice: 0, block })),
      ...blocks.map((_kind, block): ChatEvent => ({ type: 'block-end', choice: 0, block })).reverse(),
      { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
      { type: 'end' },
    ];
  }

  function startOf(kind: string, address: BlockAddress): ChatEvent {
    if (kind === 'text') return { type: 'text-start', ...address };
    if (kind === 'reasoning') return { type: 'reasoning-start', kind: 'raw', ...address };
    return { type: 'tool-call-start', kind: 'function', id: `c${address.block}`, name: 'f', ...address };
  }

  function pieceOf(kind: string | undefined, text: string, address: BlockAddress): ChatEvent {
    if (kind === 'text') return { type: 'text-delta', text, ...address };
    if (kind === 'reasoning') return { type: 'reasoning-delta', text, ...address };
    return { type: 'tool-call-delta', arguments: text, ...address };
  }

  /** What each block says; blocks of text or reasoning that say nothing are not sent. */
  const expectedContents = (blocks: readonly string[], pieces: readonly Piece[]): readonly string[] =>
    blocks.flatMap((kind, block) => {
      const text = pieces.map((piece) => (piece.block === block ? piece.text : '')).join('');
      if (kind === 'tool-call') return [`${kind} ${text === '' ? '{}' : text}`];
      return text === '' ? [] : [`${kind} ${text}`];
    });

  function contents(events: readonly ChatEvent[]): readonly string[] {
    const result: string[] = [];
    for (const event of events) {
      const begun = /^(text|reasoning|tool-call)-start$/.exec(event.type);
      if (begun !== null) result.push(`${begun[1]} `);
      const text = textOf(event);
      if (text !== '') result.push((result.pop() ?? '') + text);
    }
    return result;
  }

  function textOf(event: ChatEvent): string {
    if (event.type === 'tool-call-delta') return event.arguments;
    return event.type === 'text-delta' || event.type === 'reasoning-delta' ? event.text : '';
  }
});
