import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import OpenAI, { APIError } from 'openai';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { requestId, virtualKeyId } from '../../lambda/domain/ids.ts';
import { newVirtualKey } from '../../lambda/domain/virtual-key.ts';
import { METRICS, type MetricName } from '../../lambda/schema/metrics.ts';
import { TABLES } from '../../lambda/schema/tables.ts';
import { PROJECT_ROOT } from '../support/engine.ts';
import type { LambdaChild } from '../support/lambda-child.ts';
import { reservationOf } from '../support/reservations.ts';
import {
  type DeployedKey,
  FUNCTION_CREDENTIALS,
  REGION,
  startSynthesizedGateway,
} from '../support/synthesized-gateway.ts';

const CONFIG_FILE = join(PROJECT_ROOT, 'test', 'fixtures', 'bundled-handler', 'gateway.config.ts');
const PROMPT = 'a prompt that nobody may log';
const MESSAGES = [{ role: 'user' as const, content: PROMPT }];
const UPSTREAM_KEYS = { openai: 'openai-upstream-key', anthropic: 'anthropic-upstream-key' };
const OUTDATED_KEY = 'bad-and-outdated-upstream-key';

const gateway = await startSynthesizedGateway(CONFIG_FILE, {
  openai: JSON.stringify({ key: UPSTREAM_KEYS.openai }),
  anthropic: JSON.stringify({ keys: [OUTDATED_KEY] }),
  paced: 'paced-upstream-key',
});
const {
  assembly,
  store,
  upstream,
  aws,
  vectors,
  secretArns,
  inference,
  admin,
  startFunction,
  recordOf,
  totalOf,
} = gateway;
afterAll(() => gateway.close());

const secretsOfKeys: string[] = [];
async function createKey(settings?: object): Promise<DeployedKey> {
  const key = await gateway.createKey(settings);
  secretsOfKeys.push(key.secret);
  return key;
}

async function refusalOf(promise: Promise<unknown>): Promise<APIError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof APIError) return error;
  throw new Error(`refused with ${String(error)}`);
}

const linesOf = (child: LambdaChild): readonly string[] =>
  child
    .output()
    .split('\n')
    .filter((line) => line !== '');

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
// biome-ignore lint/suspicious/noExplicitAny: a log line; what it has to hold is what this is about
function expectReadableMetrics(line: any): void {
  expect(line._aws.Timestamp).toBeGreaterThan(Date.UTC(2020));
  for (const { Namespace, Dimensions, Metrics } of line._aws.CloudWatchMetrics) {
    expect(Namespace).toBe('Sluice');
    for (const name of Dimensions.flat()) expect(typeof line[name]).toBe('string');
    for (const { Name, Unit } of Metrics) {
      expect(Unit).toBe(METRICS[Name as MetricName].unit);
      expect(typeof line[Name]).toBe('number');
    }
  }
}

describe('the functions of the assembly', () => {
  test('have the variables that name their tables, secrets and vectors, and no others', () => {
    const tables = Object.values(TABLES).map(({ variable }) => variable);
    const variables = (path: string): string[] => Object.keys(assembly.function(path).environment).toSorted();
    expect(variables('Functions/Inference')).toEqual(
      [...tables, 'SLUICE_ANSWER_SECRET_ARN', 'SLUICE_SECRETS', 'SLUICE_VECTOR_INDEX_ARN'].toSorted(),
    );
    expect(variables('Functions/Upkeep')).toEqual(
      [...tables, 'SLUICE_SECRETS', 'SLUICE_VECTOR_INDEX_ARN'].toSorted(),
    );
    expect(variables('Functions/Admin')).toEqual(tables.toSorted());
    expect(variables('Observability/BudgetWidget')).toEqual(tables.toSorted());
    expect(Object.keys(secretArns)).toEqual(['openai', 'anthropic', 'paced']);
  });

  test('have a source map beside their code that leads back to the sources', async () => {
    const { directory } = assembly.function('Functions/Inference');
    const map = JSON.parse(await readFile(join(directory, 'index.mjs.map'), 'utf8'));
    expect(map.sources).toContainEqual(expect.stringMatching(/lambda\/handlers\/inference\.ts$/));
    expect(map.mappings.length).toBeGreaterThan(1_000);
  });
});

describe('the admin function', () => {
  test('refuses whoever IAM has not let in', async () => {
    const open = await startFunction('Functions/Admin');
    const response = await fetch(`${open.url}/admin/keys`, {
      headers: { 'x-sluice-iam-arn': 'arn:aws:iam::123456789012:role/nobody' },
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'authentication_failed' } });
  });

  test('shows a key it made, with its budget', async () => {
    const { id } = await createKey({ name: 'shown', budgets: [{ limit_usd: 2, window: 'day' }] });
    const response = await fetch(`${admin.url}/admin/keys/${id}`);
    expect(await response.json()).toMatchObject({
      id,
      name: 'shown',
      budgets: [{ limit_usd: 2, window: 'day', spent_usd: 0, remaining_usd: 2 }],
    });
  });
});

describe('the inference function', () => {
  test('has read the secret of its first provider before the first request, and no other', () => {
    expect(aws.calls.map(({ input }) => input.SecretId)).toEqual([secretArns['openai']]);
  });

  test('answers a chat request with the credential from its secret', async () => {
    const { openai } = await createKey();
    upstream.reset();
    const { data, response } = await openai.chat.completions
      .create({ model: 'openai/mock', messages: MESSAGES })
      .withResponse();
    expect(data.choices[0]?.message.content?.trim()).toBe('w0 w1 w2');
    expect(response.headers.get('x-sluice-deployment')).toBe('openai/mock');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('x-request-id')).toBe(data.id);
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]?.headers.authorization).toBe(`Bearer ${UPSTREAM_KEYS.openai}`);
    expect(aws.calls).toContainEqual({
      operation: 'GetSecretValue',
      input: { SecretId: secretArns['openai'] },
      signedFor: `secretsmanager/${REGION}`,
    });
  });

  test('streams every chunk of an answer, and settles after the end', async () => {
    const key = await createKey({ budgets: [{ limit_usd: 1, window: 'total' }] });
    const stream = await key.openai.chat.completions.create({
      model: 'openai/mock-c5',
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    const words = chunks.flatMap((chunk) => chunk.choices[0]?.delta.content || []);
    expect(words).toEqual(['w0 ', 'w1 ', 'w2 ', 'w3 ', 'w4 ']);
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['stop']);
    const usage = chunks.flatMap((chunk) => chunk.usage ?? [])[0];
    expect(usage).toMatchObject({ completion_tokens: 5, cost: expect.any(Number) });

    const record = await recordOf(chunks[0]?.id ?? '');
    expect(record).toMatchObject({ outcome: 'ok', provider: 'openai', model: 'mock-c5' });
    expect(Number(record.cost) / 1e9).toBe(Object(usage).cost);
    expect(record.estimate).toBeGreaterThan(record.cost ?? 0n);
    expect(await totalOf(key)).toEqual({ committed: record.cost, spent: record.cost });
  });

  test('passes each chunk on when it comes, not when the answer is whole', async () => {
    const { openai } = await createKey();
    const stream = await openai.chat.completions.create({
      model: 'paced/model',
      messages: MESSAGES,
      stream: true,
    });
    const words: string[] = [];
    for await (const chunk of stream) {
      words.push(...chunk.choices.map(({ delta }) => delta.content ?? ''));
      // The provider says no more until its first word has gone all the way.
      if (words.length === 1) gateway.paced.goOn();
    }
    expect(words).toEqual(['first ', 'second']);
  });

  test('gives again what it has kept, with the secret that opens it', async () => {
    const { openai } = await createKey();
    upstream.reset();
    const request = { model: 'openai/mock-c7', messages: MESSAGES };
    const headers = { 'x-sluice-cache': 'exact' };
    const made = await openai.chat.completions.create(request, { headers });
    await recordOf(made.id);
    const { data: stream, response } = await openai.chat.completions
      .create({ ...request, stream: true }, { headers })
      .withResponse();
    expect(response.headers.get('x-sluice-cache')).toBe('hit');
    const words = (await Array.fromAsync(stream)).map((chunk) => chunk.choices[0]?.delta.content ?? '');
    expect(words.join('')).toBe(made.choices[0]?.message.content);
    const once = { headers: { 'idempotency-key': 'once' } };
    const first = await openai.chat.completions.create(request, once);
    await recordOf(first.id);
    expect(await openai.chat.completions.create(request, once)).toEqual(first);
    expect(upstream.requests).toHaveLength(2);
  });

  test('gives an answer again to a request that means the same, over Amazon S3 Vectors', async () => {
    const { openai } = await createKey();
    upstream.reset();
    const headers = { 'x-sluice-cache': 'semantic' };
    const say = (content: string) =>
      openai.chat.completions
        .create({ model: 'openai/mock-c7', messages: [{ role: 'user', content }] }, { headers })
        .withResponse();
    const first = await say('How do I reset my password?');
    await recordOf(first.data.id);
    const second = await say('How can I reset my password, please?');
    expect(second.response.headers.get('x-sluice-cache')).toBe('hit');
    expect(Number(second.response.headers.get('x-sluice-cache-similarity'))).toBeGreaterThan(0.95);
    expect(second.data.choices[0]?.message).toEqual(first.data.choices[0]?.message);
    expect(upstream.requests).toHaveLength(1);
    expect(await recordOf(second.data.id)).toMatchObject({ cacheHit: 'semantic', attempts: [] });
    expect(vectors.calls.map(({ operation, signedFor }) => [operation, signedFor])).toEqual([
      ['QueryVectors', `s3vectors/${REGION}`],
      ['PutVectors', `s3vectors/${REGION}`],
      ['QueryVectors', `s3vectors/${REGION}`],
    ]);
    expect(JSON.stringify(vectors.calls)).not.toMatch(/password/);
  });

  test('carries two parallel tool calls', async () => {
    const { openai } = await createKey();
    const answer = await openai.chat.completions
      .stream({
        model: 'openai/mock-xtools',
        messages: MESSAGES,
        tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }],
      })
      .finalChatCompletion();
    const [choice] = answer.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls).toMatchObject([
      { function: { name: 'get_weather', arguments: '{"city":"Zürich","unit":"celsius"}' } },
      { function: { name: 'get_time', arguments: '{}' } },
    ]);
  });

  test('ends a stream that breaks off upstream with an error event, and answers the next request', async () => {
    const { openai } = await createKey();
    const broken = await openai.chat.completions
      .create({ model: 'openai/mock-c5-fcut-k2', messages: MESSAGES, stream: true })
      .asResponse();
    expect(broken.status).toBe(200);
    const text = await broken.text();
    expect(text).toContain('w1 ');
    expect(text.match(/"error":/g)).toHaveLength(1);
    expect(text).not.toContain('[DONE]');

    const next = await openai.chat.completions.create({ model: 'openai/mock', messages: MESSAGES });
    expect(next.choices[0]?.finish_reason).toBe('stop');
    expect(linesOf(inference).filter((line) => line.startsWith('The handler failed'))).toEqual([]);
  });

  test('reads a secret again when the provider refuses its key', async () => {
    const { openai } = await createKey();
    const ask = () =>
      openai.chat.completions.create({ model: 'anthropic/mock', messages: MESSAGES, max_tokens: 50 });
    expect((await refusalOf(ask())).code).toBe('upstream_authentication_failed');

    const anthropic = secretArns['anthropic'] ?? '';
    aws.secrets.set(anthropic, JSON.stringify({ keys: [UPSTREAM_KEYS.anthropic] }));
    upstream.reset();
    await inference.passTime(15_000);
    expect((await ask()).choices[0]?.message.content?.trim()).toBe('w0 w1 w2');
    expect(upstream.requests.map(({ headers }) => headers['x-api-key'])).toEqual([
      OUTDATED_KEY,
      UPSTREAM_KEYS.anthropic,
    ]);
    expect(aws.calls.filter(({ input }) => input.SecretId === anthropic)).toHaveLength(2);
  });

  test('moves to a provider of another format when the first one is down', async () => {
    const { openai } = await createKey();
    const { data, response } = await openai.chat.completions
      .create({ model: 'resilient', messages: MESSAGES, max_tokens: 50, stream: true })
      .withResponse();
    const chunks = await Array.fromAsync(data);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('w0 w1 w2 w3 ');
    expect(response.headers.get('x-sluice-deployment')).toBe('anthropic/mock-c4');
    expect(response.headers.get('x-sluice-attempts')).toBe('2');
  });

  test('refuses what a budget does not cover before it calls anybody', async () => {
    const key = await createKey({ budgets: [{ limit_usd: 0.0001, window: 'total' }] });
    upstream.reset();
    const error = await refusalOf(
      key.openai.chat.completions.create({ model: 'openai/mock', messages: MESSAGES, max_tokens: 1_000 }),
    );
    expect(error.status).toBe(402);
    expect(error.code).toBe('budget_exceeded');
    expect(upstream.requests).toEqual([]);
    await inference.idle();
    expect((await totalOf(key)) ?? { committed: 0n, spent: 0n }).toEqual({ committed: 0n, spent: 0n });
  });

  test('counts a request in all that its key names, in its tags, its session and its end user', async () => {
    const admit = async (collection: string, settings: object): Promise<void> => {
      const response = await fetch(`${admin.url}/admin/${collection}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ budgets: [{ limit_usd: 1, window: 'month' }], ...settings }),
      });
      expect(response.status).toBe(201);
    };
    await admit('organizations', { id: 'acme' });
    await admit('teams', {
      id: 'search',
      rate_limits: [{ requests_per_minute: 50, concurrent_requests: 5 }],
    });
    await admit('tags', {
      id: 'customer=x',
      budgets: [{ limit_usd: 1, window: 'day', model: 'openai/mock' }],
    });
    const key = await createKey({
      organization: 'acme',
      team: 'search',
      tags: { customer: 'x' },
      end_user_budget: { limit_usd: 1, window: 'day' },
    });
    const headers = { 'x-session-id': 'run-1', 'x-sluice-session-max-cost-usd': '1' };
    for (const _ of 'twice or more') {
      const { data } = await key.openai.chat.completions
        .create({ model: 'openai/mock', messages: MESSAGES, user: 'ada' }, { headers })
        .withResponse();
      expect(await recordOf(data.id)).toMatchObject({ outcome: 'ok', chargeBasis: 'exact' });
    }
    const organization = await fetch(`${admin.url}/admin/organizations/acme`);
    expect(await organization.json()).toMatchObject({
      budgets: [{ limit_usd: 1, remaining_usd: expect.any(Number) }],
    });
  });

  test('refuses a key nobody has', async () => {
    const stranger = new OpenAI({
      baseURL: `${inference.url}/v1`,
      apiKey: `sk-slu-${'x'.repeat(32)}`,
      maxRetries: 0,
    });
    expect((await refusalOf(stranger.models.list())).status).toBe(401);
  });
});

describe('the upkeep function', () => {
  test('closes what a dead process left open and sends what has to be told', async () => {
    const key = await createKey({
      name: 'told',
      budgets: [{ limit_usd: 0.01, window: 'total', soft_limits: [0.001] }],
    });
    await key.openai.chat.completions.create({ model: 'openai/mock', messages: MESSAGES });
    await inference.idle();
    const upkeep = await startFunction('Functions/Upkeep');
    const hangingSinceMs = store.clock.now() - 120_000;
    const then = { ...store.clock, now: () => hangingSinceMs };
    await dynamoLedger({ ...store, clock: then }).reserve(
      {
        id: requestId('gen-abandoned'),
        startedAtMs: hangingSinceMs,
        keyId: virtualKeyId(key.id),
        dialect: 'openai-chat',
        modelsAsked: ['openai/mock'],
        stream: true,
        tags: {},
      },
      {
        ...reservationOf(
          newVirtualKey({ id: virtualKeyId(key.id), name: 'told', createdAtMs: 0, hint: '' }),
          0.001,
          hangingSinceMs,
        ),
        expiresAtMs: hangingSinceMs + 60_000,
      },
    );

    expect(await upkeep.invoke({})).toMatchObject({ sweep: { swept: 1 }, noticesSent: 1 });
    expect(await dynamoLedger(store).find(requestId('gen-abandoned'))).toMatchObject({
      chargeBasis: 'swept',
    });
    const events = aws.calls.filter(({ operation }) => operation === 'PutEvents');
    expect(events).toHaveLength(1);
    expect(events[0]?.signedFor).toBe(`events/${REGION}`);
    expect(JSON.parse(events[0]?.input.Entries[0].Detail)).toMatchObject({ name: 'told', threshold: 0.001 });
  });
});

describe('the budget widget', () => {
  test('is HTML with the keys’ budgets, and describes itself', async () => {
    const widget = await startFunction('Observability/BudgetWidget');
    const html = await widget.invoke({ widgetContext: { theme: 'dark' } });
    expect(html).toMatch(/^<[\s\S]*shown[\s\S]*>\s*$/);
    expect(html).not.toMatch(/<script/i);
    expect(await widget.invoke({ describe: true })).toEqual({ markdown: expect.stringContaining('Sluice') });
  });
});

test('no function asked for more of a table than its role allows', () => {
  expect(gateway.denied()).toEqual([]);
});

describe('what the functions have logged', () => {
  test('is one JSON object a line', () => {
    for (const child of gateway.functions)
      for (const line of linesOf(child)) expect(() => JSON.parse(line)).not.toThrow();
    expect(linesOf(inference).length).toBeGreaterThan(10);
  });

  test('holds no secret, no prompt and no answer', () => {
    const forbidden = [
      ...secretsOfKeys,
      ...Object.values(UPSTREAM_KEYS),
      OUTDATED_KEY,
      FUNCTION_CREDENTIALS.AWS_SECRET_ACCESS_KEY,
      FUNCTION_CREDENTIALS.AWS_SESSION_TOKEN,
      PROMPT,
      'w0 w1',
    ];
    const output = gateway.functions.map((child) => child.output()).join('');
    expect(forbidden.filter((text) => output.includes(text))).toEqual([]);
  });

  test('has a line for each request, and metrics that CloudWatch can read', () => {
    const lines = linesOf(inference).map((line) => JSON.parse(line));
    const requests = lines.filter(({ message }) => message === 'request');
    const metrics = lines.filter((line) => '_aws' in line);
    const wholeGateway = metrics.filter(
      (line) => 'Requests' in line && line._aws.CloudWatchMetrics[0].Dimensions[0].length === 0,
    );
    expect(requests.length).toBeGreaterThan(5);
    expect(wholeGateway).toHaveLength(requests.length);
    for (const line of metrics) expectReadableMetrics(line);
  });
});
