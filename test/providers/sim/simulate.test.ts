import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type {
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionTool,
} from 'openai/resources/chat/completions';
import { cosineSimilarity } from '../../../lambda/domain/semantic/similarity.ts';
import { simulateChat } from '../../../lambda/providers/sim/simulate.ts';
import { type SimulationServer, serveSimulator } from '../simulation-server.ts';

let server: SimulationServer;
let client: OpenAI;

beforeAll(async () => {
  server = await serveSimulator(simulateChat());
  client = new OpenAI({ baseURL: server.url, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => server.close());

type Options = Partial<ChatCompletionCreateParamsNonStreaming>;
const say = (model: string, text: string, options: Options = {}): ChatCompletionCreateParamsNonStreaming => ({
  model,
  messages: [{ role: 'user', content: text }],
  ...options,
});
const weather: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['celsius', 'kelvin'] },
        days: { type: 'integer', minimum: 2 },
      },
      required: ['city', 'unit', 'days'],
    },
  },
};
const time: ChatCompletionTool = { type: 'function', function: { name: 'get_time' } };

/** How a streamed call of the model flaky ends. */
async function outcomeOf(flaky: OpenAI): Promise<string> {
  let words = 0;
  try {
    const request = { ...say('flaky', 'Tell me about reliability'), stream: true as const };
    for await (const chunk of await flaky.chat.completions.create(request))
      words += chunk.choices[0]?.delta.content ? 1 : 0;
    return 'ok';
  } catch (error) {
    return error instanceof OpenAI.APIError && error.status === 503 ? 'refused' : `cut after ${words}`;
  }
}

describe('the model echo', () => {
  test('repeats the last user message, and counts real tokens', async () => {
    const answer = await client.chat.completions.create(say('echo', 'Hello there,  world!'));
    expect(answer.choices[0]?.message).toMatchObject({ role: 'assistant', content: 'Hello there,  world!' });
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'echo',
      created: Date.UTC(2026, 10, 20) / 1000,
    });
  });

  test('streams it word by word, with a pause before each', async () => {
    server.sleeps.length = 0;
    const stream = await client.chat.completions.create({ ...say('echo', 'one two, three'), stream: true });
    const chunks = await Array.fromAsync(stream);
    const words = chunks.map((chunk) => chunk.choices[0]?.delta.content).filter((text) => text);
    expect(words).toEqual(['one', ' two', ',', ' three']);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.every((chunk) => chunk.usage === undefined)).toBe(true);
    expect(server.sleeps).toEqual([15, 15, 15, 15]);
  });

  test('tells the usage of a stream where that is asked for', async () => {
    const stream = await client.chat.completions.create({
      ...say('echo', 'one two'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 2 } });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  test('takes images, and counts them', async () => {
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    const content = [
      { type: 'text' as const, text: 'a picture' },
      { type: 'image_url' as const, image_url: { url } },
    ];
    const answer = await client.chat.completions.create({
      model: 'echo',
      messages: [{ role: 'user', content }],
    });
    expect(answer.choices[0]?.message.content).toBe('a picture');
    expect(answer.usage?.prompt_tokens).toBe(258);
  });

  test('gives as many choices as are asked for, streamed or not', async () => {
    const answer = await client.chat.completions.create(say('echo', 'one two', { n: 2 }));
    expect(answer.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'one two'],
      [1, 'one two'],
    ]);
    expect(answer.usage?.completion_tokens).toBe(4);
    const stream = client.chat.completions.stream({ ...say('echo', 'one two', { n: 2 }), stream: true });
    expect((await stream.finalChatCompletion()).choices.map(({ message }) => message.content)).toEqual([
      'one two',
      'one two',
    ]);
  });
});

describe('a bound', () => {
  test.each([[{ max_tokens: 2 }], [{ max_completion_tokens: 2 }]])('%j cuts the answer', async (bound) => {
    const answer = await client.chat.completions.create(say('echo', 'one two three', bound));
    expect(answer.choices[0]?.message.content).toBe('one two');
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(2);
  });

  test('that is not reached leaves the answer whole', async () => {
    const answer = await client.chat.completions.create(say('echo', 'one two three', { max_tokens: 3 }));
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });

  test('holds for tool calls too', async () => {
    const answer = await client.chat.completions.create(
      say('tools', 'Weather?', { tools: [weather], max_tokens: 4 }),
    );
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(4);
  });

  test('a stop sequence ends the answer before it', async () => {
    const answer = await client.chat.completions.create(
      say('echo', 'one two three', { stop: ['three', ' two'] }),
    );
    expect(answer.choices[0]).toMatchObject({ message: { content: 'one' }, finish_reason: 'stop' });
  });
});

describe('the models frontier and small', () => {
  test('answer in sentences about the question, the same each time, the larger one at more length', async () => {
    const answerOf = async (model: string): Promise<string> =>
      (await client.chat.completions.create(say(model, 'How does photosynthesis work in winter?'))).choices[0]
        ?.message.content ?? '';
    const [frontier, again, small] = [
      await answerOf('frontier'),
      await answerOf('frontier'),
      await answerOf('small'),
    ];
    expect(again).toBe(frontier);
    for (const text of [frontier, small]) expect(text).toMatch(/photosynthesis.*\. .*\./);
    expect(frontier.length).toBeGreaterThan(small.length * 2);
  });

  test('answer in JSON that fits the schema, where one is given', async () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, ok: { type: 'boolean' } },
      required: ['city', 'ok'],
    };
    const answer = await client.chat.completions.create(
      say('small', 'Visit Lisbon', {
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      }),
    );
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ city: 'Visit Lisbon', ok: true });
  });
});

describe('the model tools', () => {
  test('calls two tools at once, with arguments that fit their schemas', async () => {
    const answer = await client.chat.completions.create(
      say('tools', 'Weather in Lisbon?', { tools: [weather, time, weather] }),
    );
    const calls = answer.choices[0]?.message.tool_calls ?? [];
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
    expect(answer.choices[0]?.message.content).toBeNull();
    expect(
      calls.map(
        (call) => call.type === 'function' && [call.function.name, JSON.parse(call.function.arguments)],
      ),
    ).toEqual([
      ['get_weather', { city: 'Weather Lisbon', unit: 'celsius', days: 2 }],
      ['get_time', {}],
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  test('streams the same calls in pieces', async () => {
    const stream = client.chat.completions.stream({
      ...say('tools', 'Weather in Lisbon?', { tools: [weather, time] }),
      stream: true,
    });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
    expect(
      answer.choices[0]?.message.tool_calls?.map(
        (call) => call.type === 'function' && call.function.arguments,
      ),
    ).toEqual(['{"city":"Weather Lisbon","unit":"celsius","days":2}', '{}']);
  });

  test('answers in text from what the tools said', async () => {
    const first = await client.chat.completions.create(
      say('tools', 'Weather in Lisbon?', { tools: [weather, time] }),
    );
    const calls = first.choices[0]?.message.tool_calls ?? [];
    const results = calls.map(({ id }, index) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: `result ${index}`,
    }));
    const answer = await client.chat.completions.create({
      model: 'tools',
      tools: [weather, time],
      messages: [
        { role: 'user', content: 'Weather in Lisbon?' },
        { role: 'assistant', tool_calls: calls },
        ...results,
      ],
    });
    expect(answer.choices[0]?.message.content).toContain('result 0; result 1');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });

  test.each<readonly [Options, number]>([
    [{ tools: [weather] }, 1],
    [{ tools: [weather, time], parallel_tool_calls: false }, 1],
    [{ tools: [weather, time], tool_choice: { type: 'function', function: { name: 'get_time' } } }, 1],
    [{ tools: [weather, time], tool_choice: 'none' }, 0],
    [{}, 0],
  ])('with %j calls %i', async (options, count) => {
    const answer = await client.chat.completions.create(say('tools', 'Weather in Lisbon?', options));
    expect(answer.choices[0]?.message.tool_calls ?? []).toHaveLength(count);
  });
});

describe('models that misbehave', () => {
  test('slow takes 100 ms a word', async () => {
    server.sleeps.length = 0;
    await client.chat.completions.create(say('slow', 'Hello', { max_tokens: 7 }));
    expect(server.sleeps).toEqual([700]);
  });

  test('flaky fails every second time, in turns before the first token and after some', async () => {
    const own = await serveSimulator(simulateChat());
    const flaky = new OpenAI({ baseURL: own.url, apiKey: 'any', maxRetries: 0 });
    const outcomes: string[] = [];
    for (let count = 0; count < 8; count += 1) outcomes.push(await outcomeOf(flaky));
    await own.close();
    expect(outcomes).toEqual(['ok', 'refused', 'ok', 'cut after 5', 'ok', 'refused', 'ok', 'cut after 5']);
  });
});

describe('a request that cannot be answered', () => {
  test('for an unknown model is 404 in OpenAI’s envelope', async () => {
    const error = await client.chat.completions.create(say('gpt-5', 'hi')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', type: 'invalid_request_error' });
  });

  test.each([
    ['nonsense', 400],
    ['{}', 400],
    ['{"model":"echo","messages":[]}', 400],
    ['{"model":"echo","messages":"hi"}', 400],
    ['{"model":"echo","messages":[{"role":"user","content":7}]}', 400],
    ['{"model":"echo","messages":[{"role":"user","content":"x"}],"max_tokens":0}', 400],
    ['{"model":"echo","messages":[{"role":"user","content":"x"}],"stream":"yes"}', 400],
    ['{"model":"echo","messages":[{"role":"user","content":null}]}', 200],
  ])('%s is %i', async (body, status) => {
    const answer = await fetch(`${server.url}/chat/completions`, { method: 'POST', body });
    expect(answer.status).toBe(status);
    if (status === 400)
      expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });

  test('for another path is 404', async () => {
    expect((await fetch(`${server.url}/images`, { method: 'POST', body: '{}' })).status).toBe(404);
  });
});

describe('an embedding', () => {
  const embed = async (body: object) => {
    const response = await fetch(`${server.url}/embeddings`, { method: 'POST', body: JSON.stringify(body) });
    // biome-ignore lint/suspicious/noExplicitAny: answers and errors
    return { status: response.status, body: (await response.json()) as any };
  };
  const vectorOf = async (input: string): Promise<readonly number[]> =>
    (await embed({ model: 'embed', input })).body.data[0].embedding;

  test('is one vector of 256 numbers, with the tokens counted', async () => {
    const { status, body } = await embed({ model: 'embed', input: 'How deep is the lock?' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'list', usage: { prompt_tokens: 6, total_tokens: 6 } });
    expect(body.data[0].embedding).toHaveLength(256);
  });

  test('is near for the same words in another order and dress, and far for others', async () => {
    const [asked, reworded, other] = await Promise.all([
      vectorOf('How do I reset my password?'),
      vectorOf('My password: how can I reset it, please?'),
      vectorOf('Explain how a sluice holds back water'),
    ]);
    expect(cosineSimilarity(asked, reworded)).toBeGreaterThan(0.95);
    expect(cosineSimilarity(asked, other)).toBeLessThan(0.5);
  });

  test.each([
    ['another model', { model: 'small', input: 'Hello' }, 404],
    ['an empty text', { model: 'embed', input: '' }, 400],
    ['no text', { model: 'embed' }, 400],
  ])('of %s is refused', async (_what, body, status) => {
    expect((await embed(body)).status).toBe(status);
  });
});
