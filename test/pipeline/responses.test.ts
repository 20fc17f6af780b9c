import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { type LocalGateway, MOCK_PRICE, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let engine: LocalGateway;
let gateway: LocalGateway;
let owner: TestKey;
let client: OpenAI;

beforeAll(async () => {
  engine = await startLocalGateway();
  // OpenAI itself speaks the caller's format: this one does not.
  gateway = await startLocalGateway({
    beside: engine,
    config: {
      providers: { chat: { kind: 'sambanova' }, anthropic: {} },
      prices: { 'chat/mock*': MOCK_PRICE, 'anthropic/mock*': MOCK_PRICE },
    },
    environment: {
      SAMBANOVA_API_KEY: 'c',
      SLUICE_CHAT_BASE_URL: `${engine.mock.url}/v1`,
      SLUICE_ANTHROPIC_BASE_URL: engine.mock.url,
    },
  });
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});
beforeEach(() => gateway.mock.reset());

const seen = () => {
  const request = gateway.mock.requests.at(-1);
  if (request === undefined) throw new Error('Nothing reached the upstream.');
  return request;
};

/** The calls of an answer, as the caller sees them. */
const calls = (response: OpenAI.Responses.Response) =>
  response.output.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call');

const FUNCTION = {
  type: 'function' as const,
  name: 'get_time',
  parameters: { type: 'object' },
  strict: false,
};

describe.each(['chat/mock', 'anthropic/mock'])('a caller of responses with %s', (model) => {
  test('gets a text, whole and streamed, with what it cost', async () => {
    const whole = await client.responses.create({ model, input: 'Hello', store: false });
    expect(whole).toMatchObject({ object: 'response', status: 'completed', model, output_text: 'w0 w1 w2 ' });
    expect(whole.usage).toMatchObject({ cost: expect.any(Number) });
    const streamed = await client.responses.stream({ model, input: 'Hello', store: false }).finalResponse();
    expect(streamed.output_text).toBe('w0 w1 w2 ');
    expect(streamed.id).toMatch(/^gen-/);
  });

  test('gets calls of tools, and sends their outputs back', async () => {
    const asked = { model: `${model}-xtools`, input: 'Hello', tools: [FUNCTION], store: false };
    const response = await client.responses.stream(asked).finalResponse();
    expect(calls(response)).toMatchObject([
      { name: 'get_weather', arguments: expect.stringContaining('Zürich') },
      { name: 'get_time', arguments: '{}' },
    ]);
    const outputs = calls(response).map((call) => ({
      type: 'function_call_output' as const,
      call_id: 'call_id' in call ? (call.call_id ?? '') : '',
      output: 'sunny',
    }));
    const next = await client.responses.create({
      model,
      store: false,
      input: [{ role: 'user', content: 'Hello' }, ...response.output, ...outputs] as never,
      tools: [FUNCTION],
    });
    expect(next.output_text).toBe('w0 w1 w2 ');
    expect(JSON.stringify(seen().body.messages)).toContain('sunny');
  });

  test('knows tools of a namespace by their own names', async () => {
    const tools = [
      { type: 'namespace', name: 'get', description: 'Getters.', tools: [{ ...FUNCTION, name: 'x' }] },
      { type: 'namespace', name: 'clock', description: 'Time.', tools: [FUNCTION] },
    ];
    await client.responses.create({ model, input: 'Hello', tools: tools as never, store: false });
    const names = seen().body.tools.map((tool: { name?: string; function?: { name: string } }) => {
      return tool.name ?? tool.function?.name;
    });
    expect(names).toEqual(['get__x', 'clock__get_time']);
  });

  test('reads a failure in the middle of a stream', async () => {
    const stream = client.responses.stream({ model: `${model}-fcut`, input: 'Hello', store: false });
    const response = await stream.finalResponse();
    expect(response).toMatchObject({ status: 'failed', error: { metadata: { retryable: false } } });
    const asked = { model: `${model}-fcut`, input: 'Hello', store: false, stream: true } as const;
    const events = await Array.fromAsync(await client.responses.create(asked));
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_event, index) => index));
    expect(events.at(-1)?.type).toBe('response.failed');
  });

  test('gets an error before the stream as its SDK knows it', async () => {
    const asking = client.responses.create({ model: `${model}-e429`, input: 'Hello', store: false });
    await expect(asking).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });
});

describe('a custom tool', () => {
  const tools = [{ type: 'custom' as const, name: 'get_weather', description: 'Says the weather.' }];

  test('goes as a function where tools take JSON, and its call comes back as text', async () => {
    const model = 'anthropic/mock-xtools';
    for (const stream of [false, true]) {
      const asked = { model, input: 'Hello', tools, store: false };
      const response = stream
        ? await client.responses.stream(asked).finalResponse()
        : await client.responses.create(asked);
      expect(seen().body.tools).toMatchObject([
        { name: 'get_weather', input_schema: { required: ['input'] } },
      ]);
      expect(calls(response)[0]).toMatchObject({
        type: 'custom_tool_call',
        name: 'get_weather',
        input: '{"city":"Zürich","unit":"celsius"}',
      });
    }
  });

  test('with a grammar goes too, and the caller hears that nobody enforces it', async () => {
    const format = { type: 'grammar', syntax: 'regex', definition: 'a+' };
    const answer = await fetch(`${gateway.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.secret}` },
      body: JSON.stringify({
        model: 'anthropic/mock',
        input: 'Hello',
        tools: [{ ...tools[0], format }],
        store: false,
      }),
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-sluice-dropped')).toContain('get_weather.format');
    expect(seen().body.tools[0].description).toContain('a+');
  });

  test('stays one where the provider has them', async () => {
    await client.responses.create({ model: 'chat/mock', input: 'Hello', tools, store: false });
    expect(seen().body.tools).toMatchObject([{ type: 'custom', custom: { name: 'get_weather' } }]);
  });
});

describe('a caller of text completions', () => {
  test.each(['chat/mock', 'anthropic/mock'])('gets how the prompt goes on from %s', async (model) => {
    const whole = await client.completions.create({ model, prompt: 'Once', max_tokens: 50 });
    expect(whole).toMatchObject({ object: 'text_completion', choices: [{ text: 'w0 w1 w2 ' }] });
    const stream = await client.completions.create({ model, prompt: 'Once', max_tokens: 50, stream: true });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe('w0 w1 w2 ');
  });
});

test('an answer can be continued as soon as its end is seen, however slow the store is', async () => {
  const { answers } = engine.gateway;
  const slow = await startLocalGateway({
    beside: engine,
    gateway: {
      answers: {
        ...answers,
        async put(...given) {
          await new Promise((resolve) => setTimeout(resolve, 300));
          return answers.put(...given);
        },
      },
    },
  });
  try {
    const { secret } = await slow.createKey();
    const caller = new OpenAI({ apiKey: secret, baseURL: `${slow.url}/v1`, maxRetries: 0 });
    const asked = { model: 'anthropic/mock', input: 'Hello' };
    const whole = await caller.responses.create(asked);
    const streamed = await caller.responses.stream(asked).finalResponse();
    for (const { id } of [whole, streamed])
      expect(await caller.responses.create({ ...asked, previous_response_id: id })).toMatchObject({
        status: 'completed',
      });
  } finally {
    await slow.close();
  }
});
