import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, signatureFault } from '../bin/signature-check.ts';
import { ask } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
  readonly signatureFault: string | undefined;
}

const seen: Seen[] = [];
/** Statuses of the next answers; 200 where there is none. */
const statuses: number[] = [];

/** Anthropic's answer where the path is Vertex's, else OpenAI's. */
const answerAt = (path: string): object =>
  path.includes('/publishers/anthropic/')
    ? {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude',
        content: [{ type: 'text', text: 'Hello from Vertex' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 3, output_tokens: 4 },
      }
    : {
        id: 'chat-1',
        object: 'chat.completion',
        created: 1,
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
      };

const server = createServer((request, response) => {
  void text(request).then((raw) => {
    const path = request.url ?? '';
    const { headers } = request;
    seen.push({
      path,
      headers,
      body: JSON.parse(raw),
      signatureFault: signatureFault(request, raw, 'bedrock'),
    });
    const status = statuses.shift() ?? 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? answerAt(path) : { error: { message: 'no' } }));
  });
});

let tokens: TokenServer;
let gateway: LocalGateway;
let owner: TestKey;
const AWS = {
  AWS_ACCESS_KEY_ID: ACCESS_KEY,
  AWS_SECRET_ACCESS_KEY: SECRET_KEY,
  AWS_SESSION_TOKEN: SESSION_TOKEN,
};

beforeAll(async () => {
  Object.assign(process.env, AWS);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server's address is never a pipe's name.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  tokens = await startTokenServer();
  gateway = await startLocalGateway({
    environment: {
      AWS_REGION: REGION,
      SLUICE_BEDROCK_BASE_URL: url,
      SLUICE_VERTEX_BASE_URL: `${url}/v1/projects/p/locations/l`,
      GOOGLE_APPLICATION_CREDENTIALS: tokens.account,
      MISTRAL_API_KEY: 'mistral-credential',
      SLUICE_MISTRAL_BASE_URL: `${url}/v1`,
      AZURE_OPENAI_API_KEY: 'azure-credential',
      SLUICE_AZURE_BASE_URL: `${url}/openai/v1`,
    },
  });
  owner = await gateway.createKey();
});
afterAll(async () => {
  for (const name of Object.keys(AWS)) delete process.env[name];
  await gateway.close();
  await tokens.close();
  await new Promise((resolve) => void server.close(resolve));
});
beforeEach(() => {
  seen.length = 0;
  statuses.length = 0;
});

const answerOf = async (question: Parameters<typeof ask>[2]) => {
  const response = await ask(gateway, owner.secret, question);
  return { response, body: JSON.parse(await response.text()) };
};

describe('Amazon Bedrock', () => {
  test('is called with a signature of the role, which AWS would take', async () => {
    const { response, body } = await answerOf({ model: 'bedrock/openai.gpt-oss-20b-1:0' });
    expect(body.choices[0].message.content).toBe('Hello');
    expect(response.headers.get('x-sluice-provider')).toBe('bedrock');
    expect(seen).toMatchObject([{ path: '/openai/v1/chat/completions', signatureFault: undefined }]);
  });

  test('is called once where it refuses, as there is no newer credential', async () => {
    statuses.push(403, 403);
    const { body } = await answerOf({ model: 'bedrock/openai.gpt-oss-20b-1:0' });
    expect(body.error.code).toBeDefined();
    expect(seen).toHaveLength(1);
  });

  test('is called with its own key where there is one', async () => {
    gateway.environment['AWS_BEARER_TOKEN_BEDROCK'] = 'bedrock-key';
    try {
      await answerOf({ model: 'bedrock/openai.gpt-oss-20b-1:0' });
      expect(seen[0]?.headers.authorization).toBe('Bearer bedrock-key');
    } finally {
      delete gateway.environment['AWS_BEARER_TOKEN_BEDROCK'];
    }
  });

  test('is not called for a model of whose formats this gateway speaks none', async () => {
    const response = await ask(gateway, owner.secret, { model: 'bedrock/no.such-format' });
    const spoken = gateway.gateway.dialects.has('bedrock-converse');
    await response.text();
    expect(seen.length > 0).toBe(spoken);
  });
});

describe('Vertex AI', () => {
  const model = 'vertex/claude-sonnet-4-5@20250929';

  test('answers Anthropic’s callers, its model in the path and a token in the header', async () => {
    const { body } = await answerOf({ as: 'anthropic', model });
    expect(body.content[0].text).toBe('Hello from Vertex');
    const [call] = seen;
    expect(call?.path).toBe(
      '/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict',
    );
    expect(call?.headers.authorization).toMatch(/^Bearer token-\d+$/);
    expect(call?.body).toMatchObject({ anthropic_version: 'vertex-2023-10-16', max_tokens: 100 });
    expect(call?.body).not.toHaveProperty('model');
    expect(JSON.stringify(call?.headers)).not.toContain('PRIVATE KEY');
  });

  test('answers OpenAI’s callers by the same format', async () => {
    const { body } = await answerOf({ model });
    expect(body.choices[0].message.content).toBe('Hello from Vertex');
    expect(seen[0]?.body).toMatchObject({ anthropic_version: 'vertex-2023-10-16' });
    expect(seen[0]?.body).not.toHaveProperty('model');
  });
});

describe('quirks', () => {
  test('hold for a body that passes, and what is left out is named', async () => {
    const { response } = await answerOf({
      model: 'mistral/mistral-large-latest',
      body: {
        messages: [
          { role: 'developer', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
        ],
        user: 'u-1',
        seed: 7,
        max_completion_tokens: 50,
      },
    });
    expect(response.headers.get('x-sluice-dropped')).toBe('user');
    expect(seen[0]?.body).toEqual({
      model: 'mistral-large-latest',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      random_seed: 7,
      max_tokens: 50,
    });
  });

  test('hold for a body that is translated', async () => {
    const { response } = await answerOf({
      as: 'anthropic',
      model: 'mistral/mistral-large-latest',
      body: { metadata: { user_id: 'u-1' } },
    });
    expect(response.headers.get('x-sluice-dropped')).toBe('user');
    expect(seen[0]?.body).not.toHaveProperty('user');
  });
});

test('a developer’s messages are the system’s where the provider is not known to tell them apart', async () => {
  const body = {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
  };
  await answerOf({ model: 'bedrock/openai.gpt-oss-20b-1:0', body });
  await answerOf({ model: 'azure/my-deployment', body });
  await answerOf({ model: 'mistral/mistral-large-latest', body });
  expect(seen.map((call) => Object(call.body['messages'])[0].role)).toEqual([
    'developer',
    'developer',
    'system',
  ]);
});

test('Azure is called with its own header', async () => {
  await answerOf({ model: 'azure/my-deployment' });
  expect(seen[0]).toMatchObject({
    path: '/openai/v1/chat/completions',
    headers: { 'api-key': 'azure-credential' },
    body: { model: 'my-deployment' },
  });
  expect(seen[0]?.headers).not.toHaveProperty('authorization');
});
