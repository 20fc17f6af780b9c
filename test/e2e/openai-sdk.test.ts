import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { ChatCompletion, ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;
let client: OpenAI;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==';
const HELLO: ChatCompletionMessageParam[] = [{ role: 'user', content: 'Hello' }];
const TOOLS: ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather of a city.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
  { type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } },
];

/** What the caller is told of usage and money beyond what the SDK knows. */
const usageOf = (completion: { usage?: unknown }) =>
  completion.usage as { cost: number; completion_tokens: number; prompt_tokens: number } & Record<
    string,
    Record<string, unknown>
  >;

describe.each(['openai', 'anthropic'] as const)('the OpenAI SDK with a model of %s', (provider) => {
  const model = (tokens = ''): string => `${provider}/mock${tokens}`;
  const seen = () => gateway.mock.requests.at(-1)?.body;

  test('gets a whole answer under the name of the deployment that gave it', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: model('-c4'), messages: HELLO, max_tokens: 50 })
      .withResponse();
    expect(data.choices[0]?.message).toMatchObject({ role: 'assistant', content: mockText(4) });
    expect(data.choices[0]?.finish_reason).toBe('stop');
    expect(data.object).toBe('chat.completion');
    expect(data.model).toBe(model('-c4'));
    expect(data.id).toBe(response.headers.get('x-request-id'));
    expect(seen().model).toBe('mock-c4');
  });

  test('gets a stream whose pieces add up to the answer', async () => {
    const stream = client.chat.completions.stream({
      model: model('-c20'),
      messages: HELLO,
      max_tokens: 50,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    stream.on('content', (piece) => pieces.push(piece));
    const completion = await stream.finalChatCompletion();
    expect(pieces).toHaveLength(20);
    expect(completion.choices[0]?.message.content).toBe(mockText(20));
    expect(completion.choices[0]?.finish_reason).toBe('stop');
    expect(completion.model).toBe(model('-c20'));
    expect(completion.usage?.completion_tokens).toBe(20);
  });

  test('gets usage in a stream only where it asked for it', async () => {
    const stream = await client.chat.completions.create({ model: model(), messages: HELLO, stream: true });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.filter(({ usage }) => usage)).toEqual([]);
    expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true);
  });

  test('is told of cached tokens and of the cost in every usage', async () => {
    const ask = { model: model('-c5'), messages: HELLO, max_tokens: 50 };
    const whole = usageOf(await client.chat.completions.create(ask));
    const streamed = usageOf(
      await client.chat.completions
        .stream({ ...ask, stream_options: { include_usage: true } })
        .finalChatCompletion(),
    );
    const [prompt, cost] =
      provider === 'openai'
        ? [21, (17 * 3 + 4 * 0.5 + 5 * 17) / 1e6]
        : [30, (21 * 3 + 4 * 0.5 + 5 * 4 + 5 * 17) / 1e6];
    for (const usage of [whole, streamed]) {
      expect(usage).toMatchObject({ prompt_tokens: prompt, completion_tokens: 5, total_tokens: prompt + 5 });
      expect(usage['prompt_tokens_details']?.['cached_tokens']).toBe(4);
      expect(usage.cost).toBe(cost);
      expect(usage['cost_details']).toMatchObject({ upstream_inference_completions_cost: (5 * 17) / 1e6 });
    }
  });

  test.each(['whole', 'streamed'])('gets two parallel tool calls, %s', async (how) => {
    const ask = { model: model('-xtools'), messages: HELLO, tools: TOOLS, max_tokens: 50 };
    const completion: ChatCompletion =
      how === 'whole'
        ? await client.chat.completions.create(ask)
        : await client.chat.completions.stream(ask).finalChatCompletion();
    const [choice] = completion.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(
      choice?.message.tool_calls?.map(
        (call) => call.type === 'function' && [call.function.name, JSON.parse(call.function.arguments)],
      ),
    ).toEqual([
      ['get_weather', { city: 'Zürich', unit: 'celsius' }],
      ['get_time', {}],
    ]);
    expect(new Set(choice?.message.tool_calls?.map(({ id }) => id)).size).toBe(2);
  });

  test('sends tools upstream with their whole schema', async () => {
    await client.chat.completions.create({ model: model(), messages: HELLO, tools: TOOLS, max_tokens: 50 });
    const [first] = seen().tools;
    expect(first.function?.parameters ?? first.input_schema).toEqual({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    });
  });

  test('goes on after tool results in a following turn', async () => {
    const messages: ChatCompletionMessageParam[] = [
      ...HELLO,
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'call_0', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } },
          { id: 'call_1', type: 'function', function: { name: 'get_time', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_0', content: 'sunny' },
      { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'noon' }] },
    ];
    const completion = await client.chat.completions.create({
      model: model(),
      messages,
      tools: TOOLS,
      max_tokens: 50,
    });
    expect(completion.choices[0]?.message.content).toBe(mockText(3));
    if (provider === 'openai') expect(seen().messages).toEqual(messages);
    else
      expect(seen().messages.slice(1)).toEqual([
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'call_0', name: 'get_weather', input: { city: 'Bern' } },
            { type: 'tool_use', id: 'call_1', name: 'get_time', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            expect.objectContaining({ type: 'tool_result', tool_use_id: 'call_0' }),
            expect.objectContaining({ type: 'tool_result', tool_use_id: 'call_1' }),
          ],
        },
      ]);
  });

  test('sends images by address and as bytes', async () => {
    const messages: ChatCompletionMessageParam[] = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
        ],
      },
    ];
    await client.chat.completions.create({ model: model(), messages, max_tokens: 50 });
    if (provider === 'openai') expect(seen().messages).toEqual(messages);
    else
      expect(seen().messages[0].content).toEqual([
        { type: 'text', text: 'What is this?' },
        { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
      ]);
  });

  test('sends a system prompt where the provider expects it', async () => {
    await client.chat.completions.create({
      model: model(),
      messages: [{ role: 'system', content: 'Be brief.' }, ...HELLO],
      max_tokens: 50,
    });
    if (provider === 'openai') expect(seen().messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
    else {
      expect(JSON.stringify(seen().system)).toContain('Be brief.');
      expect(seen().messages).toHaveLength(1);
    }
  });

  test('gets reasoning apart from the text, whole and streamed', async () => {
    const ask = { model: model('-xthink'), messages: HELLO, max_tokens: 50 };
    const whole = await client.chat.completions.create(ask);
    const message: Record<string, unknown> = { ...whole.choices[0]?.message };
    expect(message['content']).toBe(mockText(3));
    expect(message['reasoning'] ?? message['reasoning_content']).toBe('let me think');
    const deltas: Record<string, unknown>[] = [];
    for await (const chunk of await client.chat.completions.create({ ...ask, stream: true }))
      deltas.push({ ...chunk.choices[0]?.delta });
    const joined = (...names: string[]) =>
      deltas.map((delta) => names.map((name) => delta[name]).find((text) => text) ?? '').join('');
    expect(joined('reasoning', 'reasoning_content')).toBe('let me think');
    expect(joined('content')).toBe(mockText(3));
  });

  test('is told that an answer met its limit', async () => {
    const completion = await client.chat.completions.create({
      model: model('-c9'),
      messages: HELLO,
      max_tokens: 2,
    });
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(completion.choices[0]?.message.content).toBe(mockText(2));
  });

  test('gets a refusal of its request as the error class it knows', async () => {
    const error = await client.chat.completions
      .create({ model: model('-e400'), messages: HELLO, max_tokens: 50 })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', type: 'invalid_request_error' });
    expect((error as InstanceType<typeof OpenAI.BadRequestError>).message).toContain('mock 400');
  });

  test('gets an error inside a stream thrown, after the text that came before it', async () => {
    let text = '';
    const reading = (async () => {
      const stream = await client.chat.completions.create({
        model: model('-c9-fsseerr-k2'),
        messages: HELLO,
        max_tokens: 50,
        stream: true,
      });
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(text).toBe(mockText(2));
  });

  test('does not send a request again that the gateway says is not to be sent again', async () => {
    const eager = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 2 });
    await expect(
      eager.chat.completions.create({ model: model('-e500'), messages: HELLO, max_tokens: 50 }),
    ).rejects.toMatchObject({ status: 502, code: 'upstream_error' });
    expect(gateway.mock.requests).toHaveLength(3);
  });
});

test('the OpenAI SDK lists models and reads one by its name', async () => {
  const { data } = await client.models.list();
  expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(['sim/frontier', 'openai/gpt-4o-mini']));
  expect(await client.models.retrieve('sim/frontier')).toMatchObject({ id: 'sim/frontier', object: 'model' });
});

test('the OpenAI SDK is refused without a key it could use', async () => {
  const stranger = new OpenAI({
    apiKey: 'sk-slu-nobody-has-this-one',
    baseURL: `${gateway.url}/v1`,
    maxRetries: 0,
  });
  await expect(
    stranger.chat.completions.create({ model: 'openai/mock', messages: HELLO }),
  ).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
});
