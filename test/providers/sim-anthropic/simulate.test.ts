import Anthropic from '@anthropic-ai/sdk';
import type { MessageCreateParamsNonStreaming, Tool } from '@anthropic-ai/sdk/resources/messages';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { simulateMessages } from '../../../lambda/providers/sim-anthropic/simulate.ts';
import { type SimulationServer, serveSimulator } from '../simulation-server.ts';

let server: SimulationServer;
let client: Anthropic;

beforeAll(async () => {
  server = await serveSimulator(simulateMessages());
  client = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => server.close());

type Options = Partial<MessageCreateParamsNonStreaming>;
const say = (model: string, text: string, options: Options = {}): MessageCreateParamsNonStreaming => ({
  model,
  max_tokens: 1000,
  messages: [{ role: 'user', content: text }],
  ...options,
});
const weather: Tool = {
  name: 'get_weather',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2 } },
    required: ['city', 'days'],
  },
};
const time: Tool = { name: 'get_time', input_schema: { type: 'object' } };

/** How a streamed call of the model flaky ends. */
async function outcomeOf(flaky: Anthropic): Promise<string> {
  let words = 0;
  try {
    const request = { ...say('flaky', 'Tell me more'), stream: true as const };
    for await (const event of await flaky.messages.create(request))
      words += event.type === 'content_block_delta' ? 1 : 0;
    return 'ok';
  } catch (error) {
    return error instanceof Anthropic.APIError && error.status === 503 ? 'refused' : `cut after ${words}`;
  }
}

describe('the model echo', () => {
  test('repeats the last user message, and counts real tokens', async () => {
    const answer = await client.messages.create(say('echo', 'Hello there,  world!', { system: 'Be kind.' }));
    expect(answer).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'echo',
      content: [{ type: 'text', text: 'Hello there,  world!' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 8, output_tokens: 5 },
    });
  });

  test('streams it word by word, with a pause before each', async () => {
    server.sleeps.length = 0;
    const events = await Array.fromAsync(
      await client.messages.create({ ...say('echo', 'one two, three'), stream: true }),
    );
    expect(events.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      ...Array(4).fill('content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const words = events.flatMap((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? [event.delta.text] : [],
    );
    expect(words).toEqual(['one', ' two', ',', ' three']);
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 4 } });
    expect(server.sleeps).toEqual([15, 15, 15, 15]);
  });

  test('takes images, and counts them', async () => {
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0KGgo=' };
    const content = [
      { type: 'image' as const, source },
      { type: 'text' as const, text: 'a picture' },
    ];
    const answer = await client.messages.create({
      model: 'echo',
      max_tokens: 9,
      messages: [{ role: 'user', content }],
    });
    expect(answer.content).toEqual([{ type: 'text', text: 'a picture' }]);
    expect(answer.usage.input_tokens).toBe(258);
  });
});

describe('a bound', () => {
  test('cuts the answer', async () => {
    const answer = await client.messages.create(say('frontier', 'Tell me more', { max_tokens: 3 }));
    expect(answer.stop_reason).toBe('max_tokens');
    expect(answer.usage.output_tokens).toBe(3);
  });

  test('a stop sequence ends the answer before it, and is named', async () => {
    const answer = await client.messages.create(say('echo', 'one two three', { stop_sequences: ['three'] }));
    expect(answer).toMatchObject({
      content: [{ text: 'one two ' }],
      stop_reason: 'stop_sequence',
      stop_sequence: 'three',
    });
  });
});

describe('the model tools', () => {
  test('calls two tools at once, with arguments that fit their schemas, streamed or not', async () => {
    const request = say('tools', 'Weather in Lisbon?', { tools: [weather, time, weather] });
    const whole = await client.messages.create(request);
    const streamed = await client.messages.stream(request).finalMessage();
    for (const answer of [whole, streamed]) {
      expect(answer.stop_reason).toBe('tool_use');
      expect(answer.content).toEqual([
        {
          type: 'tool_use',
          id: expect.stringMatching(/^toolu_/),
          name: 'get_weather',
          input: { city: 'Weather Lisbon', days: 2 },
        },
        { type: 'tool_use', id: expect.stringMatching(/^toolu_/), name: 'get_time', input: {} },
      ]);
    }
  });

  test('answers in text from what the tools said', async () => {
    const first = await client.messages.create(
      say('tools', 'Weather in Lisbon?', { tools: [weather, time] }),
    );
    const results = first.content.flatMap((block, index) =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: `result ${index}` }]
        : [],
    );
    const answer = await client.messages.create({
      model: 'tools',
      max_tokens: 1000,
      tools: [weather, time],
      messages: [
        { role: 'user', content: 'Weather in Lisbon?' },
        { role: 'assistant', content: first.content },
        { role: 'user', content: results },
      ],
    });
    expect(answer.content).toMatchObject([
      { type: 'text', text: expect.stringContaining('result 0; result 1') },
    ]);
  });

  test.each<readonly [Options, number]>([
    [{ tools: [weather, time], tool_choice: { type: 'auto', disable_parallel_tool_use: true } }, 1],
    [{ tools: [weather, time], tool_choice: { type: 'tool', name: 'get_time' } }, 1],
    [{ tools: [weather, time], tool_choice: { type: 'none' } }, 0],
  ])('with %j calls %i', async (options, count) => {
    const answer = await client.messages.create(say('tools', 'Weather in Lisbon?', options));
    expect(answer.content.filter(({ type }) => type === 'tool_use')).toHaveLength(count);
  });
});

describe('the model flaky', () => {
  test('fails every second time, in turns before the first token and after some', async () => {
    const own = await serveSimulator(simulateMessages());
    const flaky = new Anthropic({ baseURL: own.url, apiKey: 'any', maxRetries: 0 });
    const outcomes: string[] = [];
    for (let count = 0; count < 4; count += 1) outcomes.push(await outcomeOf(flaky));
    await own.close();
    expect(outcomes).toEqual(['ok', 'refused', 'ok', 'cut after 5']);
  });
});

describe('a request that cannot be answered', () => {
  test('for an unknown model is 404 in Anthropic’s envelope', async () => {
    const error = await client.messages.create(say('claude', 'hi')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error).toMatchObject({
      status: 404,
      error: { type: 'error', error: { type: 'not_found_error' } },
    });
  });

  test.each([
    'nonsense',
    '{"model":"echo","messages":[{"role":"user","content":"x"}]}',
    '{"model":"echo","max_tokens":5,"messages":[]}',
    '{"model":"echo","max_tokens":5,"messages":[{"role":"tool","content":"x"}]}',
  ])('%s is 400', async (body) => {
    const answer = await fetch(`${server.url}/v1/messages`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });
});
