import Anthropic from '@anthropic-ai/sdk';
import type { Message, MessageParam, Tool } from '@anthropic-ai/sdk/resources';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { MOCK_SIGNATURE, mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;
let client: Anthropic;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
  client = new Anthropic({ apiKey: owner.secret, baseURL: gateway.url, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==';
const HELLO: MessageParam[] = [{ role: 'user', content: 'Hello' }];
const TOOLS: Tool[] = [
  {
    name: 'get_weather',
    description: 'The weather of a city.',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: {} } },
];

const textOf = (message: Message): string =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe.each(['openai', 'anthropic'] as const)('the Anthropic SDK with a model of %s', (provider) => {
  const model = (tokens = ''): string => `${provider}/mock${tokens}`;
  const question = (tokens = '') => ({ model: model(tokens), messages: HELLO, max_tokens: 50 });
  const seen = () => gateway.mock.requests.at(-1)?.body;

  test('gets a whole answer under the name of the deployment that gave it', async () => {
    const { data, response } = await client.messages.create(question('-c4')).withResponse();
    expect(textOf(data)).toBe(mockText(4));
    expect(data).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn' });
    expect(data.model).toBe(model('-c4'));
    expect(data.id).toBe(response.headers.get('request-id'));
    expect(seen().model).toBe('mock-c4');
  });

  test('gets a stream whose pieces add up to the answer', async () => {
    const stream = client.messages.stream(question('-c20'));
    const pieces: string[] = [];
    stream.on('text', (piece) => pieces.push(piece));
    const message = await stream.finalMessage();
    expect(pieces).toHaveLength(20);
    expect(textOf(message)).toBe(mockText(20));
    expect(message).toMatchObject({ stop_reason: 'end_turn', model: model('-c20') });
    expect(message.usage.output_tokens).toBe(20);
  });

  test('is told of cached tokens and of the cost in every usage', async () => {
    const whole = await client.messages.create(question('-c5'));
    const stream = client.messages.stream(question('-c5'));
    const costs: unknown[] = [Reflect.get(whole.usage, 'cost')];
    // The SDK's own sum of a stream keeps only the fields it knows.
    stream.on('streamEvent', (event) => {
      if (event.type === 'message_delta') costs.push(Reflect.get(event.usage, 'cost'));
    });
    const streamed = await stream.finalMessage();
    const [input, written, cost] =
      provider === 'openai'
        ? [17, undefined, (17 * 3 + 4 * 0.5 + 5 * 17) / 1e6]
        : [21, 5, (21 * 3 + 4 * 0.5 + 5 * 4 + 5 * 17) / 1e6];
    for (const { usage } of [whole, streamed]) {
      expect(usage).toMatchObject({ input_tokens: input, cache_read_input_tokens: 4, output_tokens: 5 });
      expect(usage.cache_creation_input_tokens ?? undefined).toBe(written);
    }
    expect(costs).toEqual([cost, cost]);
  });

  test.each(['whole', 'streamed'])('gets two parallel tool calls, %s', async (how) => {
    const ask = { ...question('-xtools'), tools: TOOLS };
    const message =
      how === 'whole' ? await client.messages.create(ask) : await client.messages.stream(ask).finalMessage();
    const calls = message.content.filter((block) => block.type === 'tool_use');
    expect(message.stop_reason).toBe('tool_use');
    expect(calls.map(({ name, input }) => [name, input])).toEqual([
      ['get_weather', { city: 'Zürich', unit: 'celsius' }],
      ['get_time', {}],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  test('goes on after tool results in a following turn', async () => {
    const messages: MessageParam[] = [
      ...HELLO,
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'toolu_0', name: 'get_weather', input: { city: 'Bern' } },
          { type: 'tool_use', id: 'toolu_1', name: 'get_time', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_0', content: 'sunny' },
          { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'noon' }] },
          { type: 'text', text: 'And now?' },
        ],
      },
    ];
    const message = await client.messages.create({ ...question(), messages, tools: TOOLS });
    expect(textOf(message)).toBe(mockText(3));
    if (provider === 'anthropic') expect(seen().messages).toEqual(messages);
    else {
      expect(seen().messages.map(({ role }: { role: string }) => role)).toEqual([
        'user',
        'assistant',
        'tool',
        'tool',
        'user',
      ]);
      expect(seen().messages[1].tool_calls).toMatchObject([
        { id: 'toolu_0', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } },
        { id: 'toolu_1', type: 'function', function: { name: 'get_time', arguments: '{}' } },
      ]);
      expect(seen().messages.slice(2, 4)).toMatchObject([
        { tool_call_id: 'toolu_0' },
        { tool_call_id: 'toolu_1' },
      ]);
      expect(seen().tools[0].function).toMatchObject({
        name: 'get_weather',
        description: 'The weather of a city.',
        parameters: TOOLS[0]?.input_schema,
      });
    }
  });

  test('sends images by address and as bytes', async () => {
    const messages: MessageParam[] = [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
          { type: 'text', text: 'What is this?' },
        ],
      },
    ];
    await client.messages.create({ ...question(), messages });
    if (provider === 'anthropic') expect(seen().messages).toEqual(messages);
    else
      expect(seen().messages[0].content).toEqual([
        { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
        { type: 'text', text: 'What is this?' },
      ]);
  });

  test('sends a system prompt where the provider expects it', async () => {
    await client.messages.create({ ...question(), system: [{ type: 'text', text: 'Be brief.' }] });
    if (provider === 'anthropic') expect(seen().system).toEqual([{ type: 'text', text: 'Be brief.' }]);
    else {
      expect(seen().messages[0].role).toBe('system');
      expect(JSON.stringify(seen().messages[0])).toContain('Be brief.');
    }
  });

  test.each(['whole', 'streamed'])('gets thinking apart from the text, %s', async (how) => {
    const ask = question('-xthink');
    const message =
      how === 'whole' ? await client.messages.create(ask) : await client.messages.stream(ask).finalMessage();
    expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(message.content[0]).toMatchObject({ thinking: 'let me think' });
    expect(textOf(message)).toBe(mockText(3));
    if (provider === 'anthropic') expect(message.content[0]).toMatchObject({ signature: MOCK_SIGNATURE });
  });

  test('is told that an answer met its limit', async () => {
    const message = await client.messages.create({ ...question('-c9'), max_tokens: 2 });
    expect(message.stop_reason).toBe('max_tokens');
    expect(textOf(message)).toBe(mockText(2));
  });

  test('gets a refusal of its request as the error class it knows', async () => {
    const error = await client.messages.create(question('-e400')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error).toMatchObject({
      status: 400,
      error: { type: 'error', error: { type: 'invalid_request_error', code: 'invalid_request' } },
    });
  });

  test('gets an error inside a stream thrown, after the text that came before it', async () => {
    const stream = client.messages.stream(question('-c9-fsseerr-k2'));
    let text = '';
    stream.on('text', (piece) => {
      text += piece;
    });
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError);
    expect(text).toBe(mockText(2));
  });

  test('does not send a request again that the gateway says is not to be sent again', async () => {
    const eager = new Anthropic({ apiKey: owner.secret, baseURL: gateway.url, maxRetries: 2 });
    await expect(eager.messages.create(question('-e500'))).rejects.toMatchObject({ status: 502 });
    expect(gateway.mock.requests).toHaveLength(3);
  });
});

test('the Anthropic SDK lists models and reads one by its name', async () => {
  const page = await client.models.list();
  expect(page.data.map(({ id }) => id)).toContain('sim-anthropic/frontier');
  expect(await client.models.retrieve('sim/frontier')).toMatchObject({ id: 'sim/frontier', type: 'model' });
});

test('the Anthropic SDK is refused without a key it could use', async () => {
  const stranger = new Anthropic({
    apiKey: 'sk-slu-nobody-has-this-one',
    baseURL: gateway.url,
    maxRetries: 0,
  });
  await expect(
    stranger.messages.create({ model: 'anthropic/mock', messages: HELLO, max_tokens: 5 }),
  ).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
});
