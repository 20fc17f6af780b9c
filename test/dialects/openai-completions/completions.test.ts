import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import OpenAI from 'openai';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiCompletions } from '../../../lambda/dialects/openai-completions/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { answerArbitrary } from '../openai-responses/arbitraries.ts';
import { eventsOf, framesReader } from '../recordings.ts';
import { requestArbitrary } from './arbitraries.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/openai-completions');
const RECORDINGS = readdirSync(FOLDER).map((name) => ({
  name,
  body: readFileSync(path.join(FOLDER, name, 'upstream.sse'), 'utf8'),
  request: readFileSync(path.join(FOLDER, name, 'request.json'), 'utf8'),
}));

const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'sim/echo',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

const framesOf = framesReader(openaiCompletions);

/** What each choice says and how it ended. */
function summary(events: readonly ChatEvent[]): readonly unknown[] {
  const choices = new Set(events.flatMap((event) => ('choice' in event ? [event.choice] : [])));
  return [...choices]
    .sort((a, b) => a - b)
    .map((choice) => {
      const own = events.filter((event) => 'choice' in event && event.choice === choice);
      const text = own.flatMap((event) =>
        event.type === 'text-delta' || event.type === 'refusal-delta' ? [event.text] : [],
      );
      const finish = own.find((event) => event.type === 'finish');
      return { text: text.join(''), reason: finish?.type === 'finish' ? finish.reason : undefined };
    });
}

const decode = (body: JsonObject): ChatRequest =>
  openaiCompletions.decodeRequest({ model: 'm', prompt: 'Once', ...body });
const TARGET = { model: 'gpt', maxOutputTokens: undefined };

describe('requests', () => {
  test('are the same after encoding and decoding', () => {
    fc.assert(
      fc.property(requestArbitrary, (given) => {
        const target = { model: given.model, maxOutputTokens: given.maxOutputTokens };
        const { body, unsupported, omitted } = openaiCompletions.encodeRequest(given, target);
        expect([...unsupported, ...omitted]).toEqual([]);
        expect(openaiCompletions.decodeRequest(JSON.parse(JSON.stringify(body)))).toEqual(given);
      }),
    );
  });

  test('of any shape are refused or understood', () => {
    const names = ['prompt', 'max_tokens', 'n', 'logprobs', 'stop', 'stream', 'echo', 'user', 'model'];
    const property = fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (fields) => {
      try {
        openaiCompletions.encodeRequest(decode(JSON.parse(JSON.stringify(fields))), TARGET);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        expect(error.status).toBe(400);
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test.each([
    ['several prompts', ['a', 'b']],
    ['token ids', [1, 2]],
    ['lists of token ids', [[1], [2]]],
    ['nothing', null],
  ])('with %s as the prompt are refused', (_name, prompt) => {
    expect(() => decode({ prompt })).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'prompt' }),
    );
  });

  test('with one prompt in a list are understood', () => {
    expect(decode({ prompt: ['Once'] }).messages).toEqual(decode({}).messages);
  });

  test('keep what only this format has', () => {
    expect(decode({ echo: true, suffix: 'end', best_of: 3, odd: 1 })).toMatchObject({
      nativeOptions: { echo: true, suffix: 'end', best_of: 3 },
      unknownFields: ['odd'],
    });
  });

  test('of a conversation are refused, each name with its reason', () => {
    const { unsupported, omitted } = openaiCompletions.encodeRequest(
      {
        ...decode({}),
        messages: [
          {
            role: 'user',
            name: 'Ann',
            content: [
              { type: 'image', source: { type: 'url', url: 'u' } },
              { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: '' } },
              { type: 'file', source: { type: 'url', url: 'u' } },
              { type: 'file', source: { type: 'base64', mediaType: 'a/b', data: '' } },
              { type: 'file', source: { type: 'provider-file', id: 'f' } },
              { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } },
              { type: 'native', dialect: 'gemini', name: 'video', value: {} },
              { type: 'text', text: 'a', cacheHint: { type: 'ephemeral' } },
            ],
          },
          { role: 'assistant', content: [{ type: 'reasoning', text: 'a' }] },
        ],
        tools: [
          { type: 'function', name: 'f' },
          { type: 'custom', name: 'g' },
          { type: 'hosted', dialect: 'gemini', name: 'h', definition: {} },
        ],
        toolChoice: { type: 'required' },
        parallelToolCalls: false,
        responseFormat: { type: 'json' },
        reasoning: { effort: 'low' },
        serviceTier: 'flex',
        topK: 1,
        verbosity: 'low',
      },
      TARGET,
    );
    const features = [...unsupported, ...omitted].map(({ feature }) => feature);
    expect(new Set([...features, 'json_schema'])).toEqual(
      new Set(Object.keys(openaiCompletions.inexpressible)),
    );
  });

  test('go on as they were, but for the model', () => {
    const raw = '{ "model":"a","prompt":"x", "odd" : 9007199254740993,"models":["c"]}';
    expect(openaiCompletions.patchRequest(raw, decode({}), TARGET)).toBe(
      '{ "model":"gpt","prompt":"x", "odd" : 9007199254740993}',
    );
  });

  test('without a bound say the format’s own, as far as money was reserved for it', () => {
    const raw = '{"model":"a","prompt":"x"}';
    const patch = (maxOutputTokens: number) =>
      JSON.parse(openaiCompletions.patchRequest(raw, decode({}), { model: 'a', maxOutputTokens }));
    expect([patch(1000).max_tokens, patch(5).max_tokens]).toEqual([16, 5]);
  });
});

describe('recorded streams', () => {
  test.each(RECORDINGS)('$name ends well, however it is cut', async ({ body }) => {
    const whole = summary(eventsOf(await framesOf(body)));
    for (const size of [1, 7]) {
      const events = eventsOf(await framesOf(body, size));
      expect(brokenRules(events)).toEqual([]);
      expect(events.at(-1)).toEqual({ type: 'end' });
      expect(summary(events)).toEqual(whole);
    }
  });

  test('say what was recorded', async () => {
    const [openai, writer] = await Promise.all(
      RECORDINGS.map(async ({ body }) => summary(eventsOf(await framesOf(body)))),
    );
    expect(openai).toEqual([{ text: expect.stringMatching(/^! .* is$/s), reason: 'length' }]);
    expect(writer).toEqual([{ text: expect.stringMatching(/^Sure, here's .*it wasn't!$/s), reason: 'stop' }]);
  });

  test.each(RECORDINGS)('$name comes through as it was, but for id and model', async ({ body }) => {
    const patched = (await framesOf(body)).map((frame) => openaiCompletions.patchFrame(frame, ENVELOPE));
    const restored = patched
      .join('')
      .replaceAll('"gen-1"', '"cmpl-77HaOi08g0u94sH0MNxN07pXHBJ2i"')
      .replaceAll('"sim/echo"', '"ada"');
    expect(restored.replace(/data: \[DONE\]\n\n$/, '')).toBe(body.replace(/data: \[DONE\]\n\n$/, ''));
  });

  test.each(RECORDINGS)('$name has a request that is understood', ({ request }) => {
    const decoded = openaiCompletions.decodeRequest(JSON.parse(request));
    expect(decoded.unknownFields).toEqual([]);
    expect(openaiCompletions.encodeRequest(decoded, TARGET).unsupported).toEqual([]);
  });

  test('cut before their end never end well', async () => {
    const [openai] = RECORDINGS;
    const body = openai?.body ?? '';
    const events = eventsOf(await framesOf(body.slice(0, body.length / 2)));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
  });

  test('damaged keep the rules', async () => {
    const damage = fc.record({
      body: fc.constantFrom(...RECORDINGS.map(({ body }) => body)),
      at: fc.nat({ max: 3000 }),
      text: fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('\n\n', '{', '"', 'null', 'data: {}\n\n')),
    });
    const property = fc.asyncProperty(damage, async ({ body, at, text }) => {
      const damaged = body.slice(0, at) + text + body.slice(at + text.length);
      expect(brokenRules(eventsOf(await framesOf(damaged, 97)))).toEqual([]);
    });
    await fc.assert(property, { numRuns: 200 });
    const bytes = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (given) => {
      expect(brokenRules(eventsOf(await framesOf(given, 3)))).toEqual([]);
    });
    await fc.assert(bytes);
  });
});

describe('answers of other dialects', () => {
  test('are read back with their text, streamed and whole', async () => {
    const property = fc.asyncProperty(answerArbitrary, async (events) => {
      const encoder = openaiCompletions.createStreamEncoder(ENVELOPE);
      const again = eventsOf(await framesOf(events.map((event) => encoder.encode(event)).join('')));
      expect(brokenRules(again)).toEqual([]);
      const isFailed = events.some(
        (event) => event.type === 'error' || (event.type === 'finish' && event.reason === 'error'),
      );
      expect(again.at(-1)?.type).toBe(isFailed ? 'error' : 'end');
      if (isFailed) return;
      const expected = summary(events).map((choice) => {
        const { text, reason } = choice as { text: string; reason: string };
        if (reason === 'length') return { text, reason };
        return { text, reason: /filter|refusal/.test(reason) ? 'content-filter' : 'stop' };
      });
      expect(summary(again)).toEqual(expected);
      const whole = openaiCompletions.encodeAnswer(events, ENVELOPE);
      expect(summary(openaiCompletions.decodeAnswer(whole).events)).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test('keep their log probabilities in the shape this format has', () => {
    const token = { token: 'Hi', logprob: -1, bytes: null, top_logprobs: [{ token: 'Ho', logprob: -2 }] };
    const events: ChatEvent[] = [
      { type: 'answer-start', upstreamId: 'a', upstreamModel: 'm', createdAtSeconds: 1 },
      { type: 'text-start', choice: 0, block: 0 },
      { type: 'text-delta', text: 'Hi', logprobs: { content: [token] }, choice: 0, block: 0 },
      { type: 'text-delta', text: 'Hi', logprobs: { content: [token] }, choice: 0, block: 0 },
      { type: 'block-end', choice: 0, block: 0 },
      { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
      { type: 'end' },
    ];
    const answer = openaiCompletions.encodeAnswer(events, ENVELOPE);
    expect(JSON.parse(answer).choices[0].logprobs).toEqual({
      tokens: ['Hi', 'Hi'],
      token_logprobs: [-1, -1],
      top_logprobs: [{ Ho: -2 }, { Ho: -2 }],
      text_offset: [0, 2],
    });
    const back = openaiCompletions.decodeAnswer(answer).events.find((event) => event.type === 'text-delta');
    expect(back).toMatchObject({ logprobs: { content: [{ token: 'Hi', logprob: -1 }, { token: 'Hi' }] } });
  });
});

describe('the official SDK', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function clientOf(status: number, contentType: string, body: string): Promise<OpenAI> {
    const listening = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': contentType });
      response.end(body);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    // A listening TCP server has an address of this kind.
    const { port } = listening.address() as AddressInfo;
    return new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
  }

  const EVENTS: readonly ChatEvent[] = [
    { type: 'answer-start', upstreamId: 'a', upstreamModel: 'm', createdAtSeconds: 1 },
    { type: 'text-start', choice: 0, block: 0 },
    { type: 'text-delta', text: 'upon a ', choice: 0, block: 0 },
    { type: 'text-delta', text: 'time', choice: 0, block: 0 },
    { type: 'block-end', choice: 0, block: 0 },
    { type: 'finish', choice: 0, reason: 'length', upstreamReason: undefined },
    {
      type: 'usage',
      usage: { promptTokens: 2, completionTokens: 3 },
      cost: { total: nanoUsd(10n), prompt: nanoUsd(4n), completion: nanoUsd(6n) },
    },
    { type: 'end' },
  ];
  const REQUEST = { model: 'm', prompt: 'Once' };

  test('reads a whole completion with its cost', async () => {
    const client = await clientOf(200, 'application/json', openaiCompletions.encodeAnswer(EVENTS, ENVELOPE));
    expect(await client.completions.create(REQUEST)).toMatchObject({
      id: 'gen-1',
      object: 'text_completion',
      choices: [{ text: 'upon a time', index: 0, finish_reason: 'length' }],
      usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5, cost: 0.00000001 },
    });
  });

  test('reads a streamed completion', async () => {
    const encoder = openaiCompletions.createStreamEncoder(ENVELOPE);
    const text = EVENTS.map((event) => encoder.encode(event)).join('');
    const client = await clientOf(200, openaiCompletions.streamContentType, text);
    const chunks = await Array.fromAsync(await client.completions.create({ ...REQUEST, stream: true }));
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('upon a time');
    expect(chunks.at(-1)?.usage).toMatchObject({ total_tokens: 5 });
  });

  test('throws an error in a stream, and one before it', async () => {
    const error = new GatewayError('upstream_overloaded', 'Overloaded.');
    const text = openaiCompletions.encodeStreamError(error, ENVELOPE);
    const client = await clientOf(200, openaiCompletions.streamContentType, text);
    const stream = await client.completions.create({ ...REQUEST, stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow('Overloaded.');
    server?.close();
    const refusing = await clientOf(429, 'application/json', openaiCompletions.encodeError(error, 'gen-1'));
    await expect(refusing.completions.create(REQUEST)).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });
});
