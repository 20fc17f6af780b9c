import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../lambda/domain/json.ts';
import { mergeUsage, type Usage } from '../../../lambda/domain/money/usage.ts';
import { bytesOf, cutStream, flippedStream, jsonWith, replaceSomewhere } from '../damage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf } from '../recordings.ts';
import { answerArbitrary, requestArbitrary } from './arbitraries.ts';
import { ENVELOPE, framesOf, RECORDINGS, STREAMS, wireEvent } from './recordings.ts';

/** What is left of a request once it has been said in this format. */
const normalise = (request: ChatRequest): ChatRequest => ({
  ...request,
  ...(request.tools !== undefined && {
    tools: request.tools.map((tool) => (tool.type === 'function' ? { strict: false, ...tool } : tool)),
  }),
});

describe('requests', () => {
  test('are the same after encoding and decoding', () => {
    fc.assert(
      fc.property(requestArbitrary, (given) => {
        const target = { model: given.model, maxOutputTokens: given.maxOutputTokens };
        const { body, unsupported, omitted } = openaiResponses.encodeRequest(given, target);
        expect([...unsupported, ...omitted]).toEqual([]);
        const decoded = openaiResponses.decodeRequest(JSON.parse(JSON.stringify(body)));
        // Not to be kept, and with closed reasoning: what Sluice asks for itself.
        expect({ ...decoded, nativeOptions: {} }).toEqual(normalise(given));
      }),
      { numRuns: 300 },
    );
  });

  test('are refused or understood whatever stands in them', () => {
    const bodies = RECORDINGS.flatMap(({ request: body }) => (body === undefined ? [] : [JSON.parse(body)]));
    const property = fc.property(
      fc.constantFrom(...bodies, WHOLE_REQUEST),
      fc.oneof(fc.jsonValue(), fc.constantFrom('__proto__', 'namespace', 1e308, -1, [[[]]])),
      fc.nat(),
      (body, value, seed) => {
        const hostile = replaceSomewhere(body, value as Json, seed);
        if (!isJsonObject(hostile)) return;
        try {
          const decoded = openaiResponses.decodeRequest(hostile as JsonObject);
          JSON.stringify(openaiResponses.encodeRequest(decoded, { model: 'm', maxOutputTokens: 1 }));
          openaiResponses.patchRequest(JSON.stringify(hostile), decoded, { model: 'm', maxOutputTokens: 1 });
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          expect(error.status).toBe(400);
        }
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });
});

/** A request with all that is read. */
const WHOLE_REQUEST: JsonObject = {
  model: 'm',
  instructions: 'Be brief.',
  input: [
    { role: 'user', content: 'a' },
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'a' },
        { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' },
        { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
      ],
    },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'a' }], encrypted_content: 'b' },
    { type: 'function_call', call_id: 'c', name: 'f', namespace: 'n', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'd' }] },
    { type: 'custom_tool_call', call_id: 'e', name: 'g', input: 'x' },
    { type: 'custom_tool_call_output', call_id: 'e', output: 'y' },
    { type: 'item_reference', id: 'msg_1' },
  ],
  tools: [
    { type: 'function', name: 'f', parameters: {}, strict: true },
    { type: 'custom', name: 'g', format: { type: 'text' } },
    { type: 'namespace', name: 'n', description: 'd', tools: [{ type: 'function', name: 'f' }] },
    { type: 'web_search' },
  ],
  tool_choice: { type: 'function', name: 'f' },
  text: { format: { type: 'json_schema', name: 's', schema: {} }, verbosity: 'low' },
  reasoning: { effort: 'low', summary: 'auto' },
  include: ['reasoning.encrypted_content'],
  metadata: { a: 'b' },
  store: false,
  stream: true,
};

async function expectRules(bytes: Uint8Array, size: number = 65_536): Promise<void> {
  const events = eventsOf(await framesOf(bytes, size));
  expect(brokenRules(events)).toEqual([]);
  if (events.at(-1)?.type !== 'end') return;
  const isLimited = events.some((event) => event.type === 'finish' && event.reason !== 'tool-calls');
  const cut = callsOf(events).filter(({ arguments: given }) => /^\{[^}]*$/.test(given));
  if (!isLimited) expect(cut).toEqual([]);
}

describe('streams', () => {
  const small = STREAMS.filter(({ body }) => body.length < 20_000).map(({ body }) => bytesOf(body));
  const blocks = STREAMS.flatMap(({ body }) => body.split(/(?<=\n\n)/));

  test('of any bytes keep the rules', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => expectRules(bytes, 3)));
  });

  test('of any JSON keep the rules', async () => {
    const names = ['item', 'output_index', 'content_index', 'summary_index', 'delta', 'part', 'response'];
    names.push('output', 'content', 'type', 'text', 'name', 'call_id', 'arguments', 'usage', 'error');
    names.push('status', 'annotation', 'logprobs', 'encrypted_content', 'summary', 'result', 'action');
    const value = jsonWith(
      [...names],
      [
        '{"a":',
        'message',
        'function_call',
        'reasoning',
        'custom_tool_call',
        'image_generation_call',
        'output_text',
      ],
      { maxDepth: 5 },
    );
    const types = STREAMS.flatMap(({ body }) =>
      [...body.matchAll(/^event: (.*)$/gm)].map(([, name]) => name),
    );
    const body = fc
      .tuple(fc.constantFrom(...new Set(types)), fc.dictionary(fc.constantFrom(...names), value), fc.nat(2))
      .map(([type, fields, index]) => ({ output_index: index, ...fields, type: type ?? '' }));
    const property = fc.asyncProperty(fc.array(body, { maxLength: 8 }), (bodies) =>
      expectRules(bytesOf(bodies.map((fields) => wireEvent(fields as JsonObject)).join(''))),
    );
    await fc.assert(property, { numRuns: 1000 });
  });

  test('of any recorded events in any order keep the rules', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...blocks), { maxLength: 12 }), (chosen) =>
        expectRules(bytesOf(chosen.join('')), 4096),
      ),
      { numRuns: 500 },
    );
  });

  test('cut anywhere never end well', async () => {
    await fc.assert(
      fc.asyncProperty(cutStream(small, 0.98), async (bytes) => {
        const events = eventsOf(await framesOf(bytes));
        expect(brokenRules(events)).toEqual([]);
        expect(events.at(-1)?.type).toBe('error');
      }),
    );
  });

  test('with bytes flipped keep the rules', async () => {
    await fc.assert(
      fc.asyncProperty(flippedStream(small), (bytes) => expectRules(bytes, 997)),
      { numRuns: 300 },
    );
  });
});

describe('answers', () => {
  test('of any JSON keep the rules', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(brokenRules(openaiResponses.decodeAnswer(body).events)).toEqual([]);
      }),
    );
  });

  test('made of any events are read back as they were, streamed and whole', async () => {
    const property = fc.asyncProperty(answerArbitrary, async (events) => {
      const encoder = openaiResponses.createStreamEncoder(ENVELOPE);
      const stream = events.map((event) => encoder.encode(event)).join('');
      const again = eventsOf(await framesOf(stream));
      expect(brokenRules(again)).toEqual([]);
      // A block begins with its first content, which the order of two open ones may change.
      expect(sorted(summary(again))).toEqual(sorted(normalAnswer(events)));
      if (events.at(-1)?.type !== 'end' || normalAnswer(events).end !== 'end') return;
      const whole = openaiResponses.decodeAnswer(openaiResponses.encodeAnswer(events, ENVELOPE)).events;
      expect(brokenRules(whole)).toEqual([]);
      expect(summary(whole)).toEqual(normalAnswer(events));
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

const sorted = (answer: AnswerSummary): AnswerSummary => ({
  ...answer,
  blocks: answer.blocks.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
});

interface BlockSummary {
  readonly begins: string;
  text: string;
  signature: string;
  readonly beside: Json[];
}

interface AnswerSummary {
  readonly blocks: readonly BlockSummary[];
  readonly usage: Usage | undefined;
  readonly reason: string | undefined;
  readonly end: string | undefined;
}

/** What an answer says in its first choice, however it was cut into pieces. */
function summary(events: readonly ChatEvent[]): AnswerSummary {
  const blocks: BlockSummary[] = [];
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.type === 'usage') usage = mergeUsage(usage, event.usage);
    if (!('block' in event) || event.choice !== 0) continue;
    const block = blocks[event.block];
    if (block === undefined) blocks.push(begun(event));
    else add(block, event);
  }
  const finish = events.find((event) => event.type === 'finish' && event.choice === 0);
  const reason = finish?.type === 'finish' ? finish.reason : undefined;
  return { blocks, usage, reason, end: events.at(-1)?.type };
}

function begun(event: ChatEvent): BlockSummary {
  const { block: _block, choice: _choice, ...rest } = { block: 0, choice: 0, ...event };
  return { begins: JSON.stringify(rest), text: '', signature: '', beside: [] };
}

function add(block: BlockSummary, event: ChatEvent): void {
  if ('text' in event) block.text += event.text;
  if ('base64' in event) block.text += event.base64;
  if ('arguments' in event) block.text += event.arguments;
  if (event.type === 'block-signature') block.signature += event.signature;
  if (event.type === 'text-citation') block.beside.push(event.citation);
  if (event.type === 'text-delta' && isJsonObject(event.logprobs))
    block.beside.push(...((event.logprobs['content'] ?? []) as Json[]));
}

/** The same, as far as this format can say it. */
function normalAnswer(events: readonly ChatEvent[]): AnswerSummary {
  const { blocks, usage, reason, end } = summary(events);
  const kept = blocks.flatMap(normalBlock);
  const known = usage && { cacheReadTokens: 0, reasoningTokens: 0, ...usage };
  if (end === 'error' || reason === 'error')
    return { blocks: kept, usage: known, reason: undefined, end: 'error' };
  const hasRefused = events.some((event) => event.type === 'refusal-delta' && event.choice === 0);
  return { blocks: kept, usage: known, reason: normalReason(reason, kept, hasRefused), end };
}

function normalReason(
  reason: string | undefined,
  blocks: readonly BlockSummary[],
  hasRefused: boolean,
): string {
  const isOf = (type: string) => blocks.some(({ begins }) => begins.includes(`"type":"${type}"`));
  if (reason === 'length' || reason === 'content-filter') return reason;
  if (reason === 'refusal' && !hasRefused) return 'content-filter';
  if (isOf('tool-call-start')) return 'tool-calls';
  const hasText = blocks.some(({ begins, text }) => begins.includes('text-start') && text !== '');
  return isOf('refusal-start') && !hasText ? 'refusal' : 'stop';
}

/** Blocks that say nothing, or what has no place here, are not there. */
function normalBlock(block: BlockSummary): BlockSummary[] {
  const start = JSON.parse(block.begins);
  switch (start.type) {
    case 'text-start':
      return block.text === '' && block.beside.length === 0 ? [] : [{ ...block, signature: '' }];
    case 'refusal-start':
      return block.text === '' ? [] : [block];
    case 'reasoning-start':
      return normalReasoning(block, start);
    case 'tool-call-start':
      return normalCall(block, start.kind);
    case 'media-start':
      return start.kind === 'image' && block.text !== '' ? [block] : [];
    default:
      return start.dialect === 'openai-responses' ? [block] : [];
  }
}

/** Reasoning without a text is what its proof holds. */
function normalReasoning(block: BlockSummary, start: JsonObject): BlockSummary[] {
  if (block.text + block.signature === '') return [];
  if (start['kind'] !== 'encrypted' && block.text !== '') return [block];
  const begins = JSON.stringify({ ...start, kind: 'encrypted' });
  return [{ ...block, begins, text: block.text + block.signature, signature: '' }];
}

function normalCall(block: BlockSummary, kind: string): BlockSummary[] {
  if (kind === 'hosted') return [];
  return [{ ...block, text: kind === 'function' && block.text === '' ? '{}' : block.text }];
}
