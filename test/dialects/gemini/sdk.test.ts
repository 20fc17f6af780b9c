import {
  type ApiError,
  FunctionCallingConfigMode,
  type GenerateContentResponse,
  GoogleGenAI,
  ThinkingLevel,
} from '@google/genai';
import { afterEach, describe, expect, test } from '@jest/globals';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { type Asked, closeServers, startAnsweringServer } from '../../support/answering-server.ts';
import { showFetchAgent } from '../../support/fetch-agent.ts';
import { at, END, finish, START } from '../events.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };

showFetchAgent();

afterEach(closeServers);

let asked: readonly Asked[] = [];

async function clientOf(status: number, contentType: string, body: string): Promise<GoogleGenAI> {
  const server = await startAnsweringServer(() => ({
    status,
    headers: { 'content-type': contentType },
    body,
  }));
  asked = server.asked;
  return new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: server.url } });
}

const REQUEST = { model: 'gemini-2.5-flash', contents: 'Hello' };

async function chunksOf(...events: readonly ChatEvent[]): Promise<GenerateContentResponse[]> {
  const encoder = gemini.createStreamEncoder(ENVELOPE);
  const text = events.map((event) => gemini.keepAlive + encoder.encode(event)).join('');
  const client = await clientOf(200, gemini.streamContentType, text);
  return Array.fromAsync(await client.models.generateContentStream(REQUEST));
}

const UPSTREAM_ERROR: ChatEvent = {
  type: 'error',
  error: {
    code: 'upstream_overloaded',
    status: undefined,
    message: 'Overloaded',
    providerCode: undefined,
    retryAfterSeconds: undefined,
  },
};

describe('the official SDK', () => {
  test('reads a streamed text with its usage and cost', async () => {
    const cost = { total: nanoFromUsd(0.003), prompt: nanoFromUsd(0.001), completion: nanoFromUsd(0.002) };
    const chunks = await chunksOf(
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Grüß ', ...at(0) },
      { type: 'text-delta', text: 'dich 👋', ...at(0) },
      { type: 'block-end', ...at(0) },
      finish('stop'),
      {
        type: 'usage',
        usage: { promptTokens: 30, cacheReadTokens: 10, completionTokens: 9, reasoningTokens: 5 },
        cost,
      },
      END,
    );
    expect(chunks.map(({ text }) => text ?? '').join('')).toBe('Grüß dich 👋');
    expect(chunks.at(-1)).toMatchObject({
      responseId: 'gen-1',
      modelVersion: 'openai/gpt',
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: {
        promptTokenCount: 30,
        cachedContentTokenCount: 10,
        candidatesTokenCount: 4,
        thoughtsTokenCount: 5,
        totalTokenCount: 39,
        cost: 0.003,
        cost_details: { upstream_inference_prompt_cost: 0.001, upstream_inference_completions_cost: 0.002 },
      },
    });
  });

  test('reads parallel tool calls whose pieces came interleaved, whole and signed', async () => {
    const chunks = await chunksOf(
      START,
      { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'weather', ...at(0) },
      { type: 'tool-call-start', kind: 'function', id: 'call_b', name: 'weather', ...at(1) },
      { type: 'tool-call-delta', arguments: '{"city":', ...at(0) },
      { type: 'tool-call-delta', arguments: '{"city":', ...at(1) },
      { type: 'tool-call-delta', arguments: '"Oslo"}', ...at(1) },
      { type: 'tool-call-delta', arguments: '"Rome"}', ...at(0) },
      { type: 'block-signature', signature: 'c2ln', ...at(0) },
      { type: 'block-end', ...at(1) },
      { type: 'block-end', ...at(0) },
      finish('tool-calls'),
      END,
    );
    expect(chunks.flatMap(({ functionCalls = [] }) => functionCalls)).toEqual([
      { id: 'call_a', name: 'weather', args: { city: 'Rome' } },
      { id: 'call_b', name: 'weather', args: { city: 'Oslo' } },
    ]);
    expect(chunks[0]?.candidates?.[0]?.content?.parts?.[0]?.thoughtSignature).toBe('c2ln');
  });

  test('reads thoughts apart from the text', async () => {
    const chunks = await chunksOf(
      START,
      { type: 'reasoning-start', kind: 'raw', ...at(0) },
      { type: 'reasoning-delta', text: 'Hm', ...at(0) },
      { type: 'block-end', ...at(0) },
      { type: 'text-start', ...at(1) },
      { type: 'text-delta', text: 'Hi', ...at(1) },
      { type: 'block-end', ...at(1) },
      finish('stop'),
      END,
    );
    const parts = chunks.flatMap(({ candidates = [] }) => candidates[0]?.content?.parts ?? []);
    expect(parts).toEqual([{ text: 'Hm', thought: true }, { text: 'Hi' }]);
  });

  test('throws the error that ends a stream', async () => {
    const failing = chunksOf(
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Hi', ...at(0) },
      UPSTREAM_ERROR,
    );
    await expect(failing).rejects.toMatchObject({ name: 'ApiError', status: 503 });
    await expect(failing).rejects.toThrow(/UNAVAILABLE.*upstream_overloaded.*gen-1/s);
  });

  test('reads a whole answer', async () => {
    const body = gemini.encodeAnswer(
      [
        START,
        { type: 'text-start', ...at(0) },
        { type: 'text-delta', text: 'Let me ', ...at(0) },
        { type: 'text-delta', text: 'see.', ...at(0) },
        { type: 'block-end', ...at(0) },
        { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'now', ...at(1) },
        { type: 'block-end', ...at(1) },
        finish('tool-calls'),
        END,
      ],
      ENVELOPE,
    );
    const client = await clientOf(200, 'application/json', body);
    const answer = await client.models.generateContent(REQUEST);
    expect(answer.candidates?.[0]?.content?.parts?.[0]).toEqual({ text: 'Let me see.' });
    expect(answer.functionCalls).toEqual([{ id: 'call_a', name: 'now', args: {} }]);
  });

  test('throws its own error for ours, which shows code, retryability and the request', async () => {
    const error = new GatewayError('rate_limit_exceeded', 'Too many requests.', { retryAfterSeconds: 7 });
    const client = await clientOf(429, 'application/json', gemini.encodeError(error, 'gen-1'));
    const thrown: ApiError = await client.models.generateContent(REQUEST).catch((reason) => reason);
    expect(thrown).toMatchObject({ name: 'ApiError', status: 429 });
    expect(JSON.parse(thrown.message)).toEqual({
      error: {
        code: 429,
        message: 'Too many requests.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'sluice',
            metadata: { code: 'rate_limit_exceeded', request_id: 'gen-1', retryable: 'true' },
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
        ],
      },
    });
  });

  test('writes requests that are understood', async () => {
    const client = await clientOf(
      200,
      'application/json',
      gemini.encodeAnswer([START, finish('stop'), END], ENVELOPE),
    );
    await client.models.generateContent({
      model: 'gemini-3-flash',
      contents: [
        { role: 'user', parts: [{ text: 'Look' }, { inlineData: { mimeType: 'image/png', data: 'aGk=' } }] },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }] },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { output: 'done' } } }] },
      ],
      config: {
        systemInstruction: 'Be kind.',
        tools: [
          {
            functionDeclarations: [
              { name: 'f', parametersJsonSchema: { type: 'object', properties: { a: { type: 'integer' } } } },
            ],
          },
        ],
        toolConfig: {
          functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ['f'] },
        },
        thinkingConfig: { thinkingLevel: ThinkingLevel.LOW, includeThoughts: true },
        temperature: 0.5,
        maxOutputTokens: 100,
        stopSequences: ['x'],
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object' },
      },
    });
    expect(asked[0]?.path).toMatch(/^\/v1(?:beta)?\/models\/gemini-3-flash:generateContent/);
    const body: JsonObject = JSON.parse(asked[0]?.body ?? '');
    expect(gemini.decodeRequest(body, { model: 'gemini-3-flash', stream: false })).toEqual({
      model: 'gemini-3-flash',
      stream: false,
      includeUsage: true,
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'aGk=' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            {
              type: 'tool-call',
              kind: 'function',
              id: 'call_0',
              name: 'f',
              arguments: '{"a":1}',
              signature: 'c2ln',
            },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool-result',
              callId: 'call_0',
              content: [{ type: 'text', text: 'done' }],
              isError: false,
            },
          ],
        },
      ],
      tools: [
        {
          type: 'function',
          name: 'f',
          parameters: { type: 'object', properties: { a: { type: 'integer' } } },
        },
      ],
      toolChoice: { type: 'tool', name: 'f' },
      reasoning: { enabled: true, effort: 'low' },
      temperature: 0.5,
      maxOutputTokens: 100,
      stop: ['x'],
      responseFormat: { type: 'json-schema', name: 'response', schema: { type: 'object' } },
      nativeOptions: {},
      unknownFields: [],
    });
  });
});
