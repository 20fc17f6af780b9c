import {
  BedrockRuntimeClient,
  type BedrockRuntimeServiceException,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  type ConverseStreamOutput,
} from '@aws-sdk/client-bedrock-runtime';
import { afterEach, describe, expect, test } from '@jest/globals';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { type ErrorCode, GatewayError } from '../../../lambda/domain/errors.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { closeServers, type Reply, startAnsweringServer } from '../../support/answering-server.ts';
import { at, END, finish, START } from '../events.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };
const USAGE: ChatEvent = {
  type: 'usage',
  usage: { promptTokens: 30, cacheReadTokens: 10, completionTokens: 4 },
  cost: { total: nanoFromUsd('0.3'), prompt: nanoFromUsd('0.1'), completion: nanoFromUsd('0.2') },
};
const TEXT: readonly ChatEvent[] = [
  START,
  { type: 'text-start', ...at(0) },
  { type: 'text-delta', text: 'Grüß ', ...at(0) },
  { type: 'text-delta', text: 'dich 👋', ...at(0) },
  { type: 'block-end', ...at(0) },
  finish('stop'),
  USAGE,
  END,
];
const CALLS: readonly ChatEvent[] = [
  START,
  { type: 'reasoning-start', kind: 'raw', ...at(0) },
  { type: 'reasoning-delta', text: 'Which city?', ...at(0) },
  { type: 'block-signature', signature: 'sig', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'weather', ...at(1) },
  { type: 'tool-call-start', kind: 'function', id: 'call_b', name: 'weather', ...at(2) },
  { type: 'tool-call-delta', arguments: '{"city":', ...at(1) },
  { type: 'tool-call-delta', arguments: '{"city":', ...at(2) },
  { type: 'tool-call-delta', arguments: '"Oslo"}', ...at(2) },
  { type: 'tool-call-delta', arguments: '"Rome"}', ...at(1) },
  { type: 'block-end', ...at(2) },
  { type: 'block-end', ...at(1) },
  finish('tool-calls'),
  USAGE,
  END,
];

afterEach(closeServers);

/** A client of a server that always answers the same, and what it was sent. */
async function clientOf(reply: Reply) {
  const { url, asked } = await startAnsweringServer(() => reply);
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: url,
    token: { token: 'sk-slu-test' },
    authSchemePreference: ['httpBearerAuth'],
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  return { client, asked };
}

const streamed = (events: readonly ChatEvent[], more = ''): Reply => {
  const encoder = bedrockConverse.createStreamEncoder(ENVELOPE);
  const text = events.map((event) => encoder.encode(event)).join('') + more;
  return {
    status: 200,
    headers: { 'content-type': bedrockConverse.streamContentType },
    body: Buffer.from(text, bedrockConverse.streamEncoding),
  };
};

const whole = (events: readonly ChatEvent[]): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(bedrockConverse.encodeAnswer(events, ENVELOPE)),
});

const failed = (error: GatewayError): Reply => ({
  status: error.status,
  headers: {
    'content-type': 'application/json',
    ...bedrockConverse.errorHeaders?.(error),
    'x-amzn-requestid': 'gen-1',
  },
  body: Buffer.from(bedrockConverse.encodeError(error, 'gen-1')),
});

const REQUEST: ConverseCommandInput = {
  modelId: 'openai/gpt-5',
  messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
};

async function streamOf(reply: Reply): Promise<ConverseStreamOutput[]> {
  const { client } = await clientOf(reply);
  const { stream } = await client.send(new ConverseStreamCommand(REQUEST));
  return Array.fromAsync(stream ?? []);
}

describe('the official SDK', () => {
  test('reads a streamed text with its usage', async () => {
    const events = await streamOf(streamed(TEXT));
    expect(events).toMatchObject([
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Grüß ' } } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'dich 👋' } } },
      { contentBlockStop: { contentBlockIndex: 0 } },
      { messageStop: { stopReason: 'end_turn' } },
      {
        metadata: {
          usage: { inputTokens: 20, cacheReadInputTokens: 10, outputTokens: 4, totalTokens: 34 },
          metrics: { latencyMs: 0 },
        },
      },
    ]);
  });

  test('reads streamed reasoning and two parallel tool calls that came interleaved', async () => {
    const events = await streamOf(streamed(CALLS));
    const deltas = events.flatMap((event) => event.contentBlockDelta ?? []);
    const inputs = [1, 2].map((index) =>
      deltas
        .filter(({ contentBlockIndex }) => contentBlockIndex === index)
        .map(({ delta }) => delta?.toolUse?.input ?? '')
        .join(''),
    );
    expect(inputs).toEqual(['{"city":"Rome"}', '{"city":"Oslo"}']);
    expect(deltas.slice(0, 2).map(({ delta }) => delta?.reasoningContent)).toMatchObject([
      { text: 'Which city?' },
      { signature: 'sig' },
    ]);
    expect(events.flatMap((event) => event.contentBlockStart?.start?.toolUse ?? [])).toMatchObject([
      { toolUseId: 'call_a', name: 'weather' },
      { toolUseId: 'call_b', name: 'weather' },
    ]);
    expect(events.find((event) => event.messageStop)?.messageStop?.stopReason).toBe('tool_use');
  });

  test('reads blobs as the bytes they stand for', async () => {
    const events = await streamOf(
      streamed([
        START,
        { type: 'reasoning-start', kind: 'encrypted', ...at(0) },
        { type: 'reasoning-delta', text: 'AQID', ...at(0) },
        { type: 'reasoning-delta', text: 'BA==', ...at(0) },
        { type: 'block-end', ...at(0) },
        { type: 'media-start', kind: 'image', mediaType: 'image/png', ...at(1) },
        { type: 'media-delta', base64: 'CQ', ...at(1) },
        { type: 'media-delta', base64: '==', ...at(1) },
        { type: 'block-end', ...at(1) },
        finish('stop'),
        END,
      ]),
    );
    const deltas = events.flatMap((event) => event.contentBlockDelta?.delta ?? []);
    expect(deltas[0]?.reasoningContent?.redactedContent).toEqual(new Uint8Array([1, 2, 3, 4]));
    expect(deltas[1]?.image?.source?.bytes).toEqual(new Uint8Array([9]));
  });

  test('reads a whole answer', async () => {
    const { client } = await clientOf(whole(CALLS));
    expect(await client.send(new ConverseCommand(REQUEST))).toMatchObject({
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'Which city?', signature: 'sig' } } },
            { toolUse: { toolUseId: 'call_a', name: 'weather', input: { city: 'Rome' } } },
            { toolUse: { toolUseId: 'call_b', name: 'weather', input: { city: 'Oslo' } } },
          ],
        },
      },
      stopReason: 'tool_use',
      usage: { inputTokens: 20, outputTokens: 4, totalTokens: 34 },
    });
  });

  test.each<[ErrorCode, string]>([
    ['invalid_request', 'ValidationException'],
    ['permission_denied', 'AccessDeniedException'],
    ['model_not_found', 'ResourceNotFoundException'],
    ['rate_limit_exceeded', 'ThrottlingException'],
    ['internal', 'InternalServerException'],
    ['upstream_overloaded', 'ServiceUnavailableException'],
    ['upstream_timeout', 'ModelTimeoutException'],
    ['upstream_error', 'ModelErrorException'],
    ['budget_exceeded', 'ServiceQuotaExceededException'],
  ])('throws what %s is called here, %s', async (code, name) => {
    const { client } = await clientOf(failed(new GatewayError(code, 'No, because.')));
    const error: BedrockRuntimeServiceException = await client
      .send(new ConverseCommand(REQUEST))
      .then(() => Promise.reject(new Error('no error')))
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ name, message: 'No, because.', $metadata: { requestId: 'gen-1' } });
  });

  test.each<[ErrorCode, string]>([
    ['invalid_request', 'ValidationException'],
    ['rate_limit_exceeded', 'ThrottlingException'],
    ['internal', 'InternalServerException'],
    ['upstream_overloaded', 'ServiceUnavailableException'],
    ['upstream_invalid_response', 'ModelStreamErrorException'],
  ])('throws %s within a stream as %s, after what came before it', async (code, name) => {
    const error = bedrockConverse.encodeStreamError(new GatewayError(code, 'Cut.'), ENVELOPE);
    const { client } = await clientOf(streamed(TEXT.slice(0, 4), error));
    const { stream } = await client.send(new ConverseStreamCommand(REQUEST));
    const seen: ConverseStreamOutput[] = [];
    const reading = (async () => {
      for await (const event of stream ?? []) seen.push(event);
    })();
    await expect(reading).rejects.toMatchObject({ name, message: 'Cut.' });
    expect(seen).toHaveLength(3);
  });
});

describe('what the official SDK writes', () => {
  async function decoded(input: ConverseCommandInput): Promise<ChatRequest> {
    const { client, asked } = await clientOf(whole(TEXT));
    await client.send(new ConverseCommand(input));
    const [request] = asked;
    const path = /^\/model\/([^/]+)\/converse$/.exec(request?.path ?? '');
    const model = decodeURIComponent(path?.[1] ?? '');
    return bedrockConverse.decodeRequest(JSON.parse(request?.body ?? '{}'), { model, stream: false });
  }

  test('is read: content of every kind, tools and parameters', async () => {
    const request = await decoded({
      modelId: 'openai/gpt-5',
      system: [{ text: 'Be brief.' }, { cachePoint: { type: 'default' } }],
      messages: [
        {
          role: 'user',
          content: [
            { text: 'Look:' },
            { image: { format: 'png', source: { bytes: new Uint8Array([1, 2, 3]) } } },
            { document: { format: 'txt', name: 'notes', source: { text: 'ü' } } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { reasoningContent: { redactedContent: new Uint8Array([4]) } },
            { toolUse: { toolUseId: 'a', name: 'weather', input: { city: 'Rome' } } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              toolResult: {
                toolUseId: 'a',
                status: 'error',
                content: [
                  { json: { reason: 'down' } },
                  { image: { format: 'jpeg', source: { bytes: new Uint8Array([5]) } } },
                ],
              },
            },
          ],
        },
      ],
      inferenceConfig: { maxTokens: 100, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      toolConfig: {
        tools: [{ toolSpec: { name: 'weather', inputSchema: { json: { type: 'object' } } } }],
        toolChoice: { any: {} },
      },
      additionalModelRequestFields: { reasoning_effort: 'low', top_k: 5, seed_like: true },
      serviceTier: { type: 'flex' },
      requestMetadata: { team: 'red' },
      outputConfig: {
        textFormat: {
          type: 'json_schema',
          structure: { jsonSchema: { name: 'city', schema: '{"type":"object"}' } },
        },
      },
    });
    expect(request).toEqual({
      model: 'openai/gpt-5',
      stream: false,
      includeUsage: true,
      messages: [
        {
          role: 'system',
          content: [{ type: 'text', text: 'Be brief.', cacheHint: { type: 'ephemeral' } }],
        },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look:' },
            { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AQID' } },
            {
              type: 'file',
              name: 'notes',
              source: { type: 'base64', mediaType: 'text/plain', data: 'w7w=' },
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning-encrypted', data: 'BA==', dialect: 'bedrock-converse' },
            { type: 'tool-call', kind: 'function', id: 'a', name: 'weather', arguments: '{"city":"Rome"}' },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool-result',
              callId: 'a',
              isError: true,
              content: [
                { type: 'text', text: '{"reason":"down"}' },
                { type: 'image', source: { type: 'base64', mediaType: 'image/jpeg', data: 'BQ==' } },
              ],
            },
          ],
        },
      ],
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ['END'],
      tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' } }],
      toolChoice: { type: 'required' },
      reasoning: { effort: 'low', enabled: true },
      serviceTier: 'flex',
      metadata: { team: 'red' },
      responseFormat: { type: 'json-schema', name: 'city', schema: { type: 'object' } },
      nativeOptions: { additionalModelRequestFields: { seed_like: true } },
      unknownFields: [],
    });
  });
});
