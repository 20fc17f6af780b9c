import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { STORED_FOR_MS } from '../../lambda/pipeline/stored-answer.ts';
import {
  budget,
  type LocalGateway,
  MOCK_PRICE,
  startLocalGateway,
  type TestKey,
  until,
} from '../support/local-gateway.ts';
import { ManualClock } from '../support/manual-clock.ts';

let engine: LocalGateway;
let gateway: LocalGateway;
let owner: TestKey;
let client: OpenAI;

const clientOf = ({ secret }: TestKey, { url } = gateway): OpenAI =>
  new OpenAI({ apiKey: secret, baseURL: `${url}/v1`, maxRetries: 0 });

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
  client = clientOf(owner);
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

/** An answer once it is kept, which happens after its end. */
async function kept(response: OpenAI.Responses.Response): Promise<OpenAI.Responses.Response> {
  await gateway.record(response.id);
  return response;
}

const ask = async (
  body: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>,
): Promise<OpenAI.Responses.Response> =>
  kept(await client.responses.create({ model: 'chat/mock', input: 'First', ...body }));

describe('a response', () => {
  test('is found by its id as it was given, whole and streamed', async () => {
    const whole = await ask({});
    expect(await client.responses.retrieve(whole.id)).toEqual(whole);
    const stream = client.responses.stream({ model: 'anthropic/mock', input: 'First' });
    const streamed = await kept(await stream.finalResponse());
    const found = await client.responses.retrieve(streamed.id);
    expect(found).toMatchObject({ id: streamed.id, output_text: 'w0 w1 w2 ', usage: streamed.usage });
  });

  test('is not kept where the caller says so', async () => {
    const unstored = await ask({ store: false });
    await expect(client.responses.retrieve(unstored.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const headers = { headers: { 'cache-control': 'no-store' } };
    const private_ = await kept(
      await client.responses.create({ model: 'chat/mock', input: 'First' }, headers),
    );
    await expect(client.responses.retrieve(private_.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('of another key is not there: it can be neither read, continued nor deleted', async () => {
    const response = await ask({});
    const stranger = clientOf(await gateway.createKey());
    await expect(stranger.responses.retrieve(response.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(stranger.responses.delete(response.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    gateway.mock.reset();
    const continued = stranger.responses.create({
      model: 'chat/mock',
      input: 'Next',
      previous_response_id: response.id,
    });
    await expect(continued).rejects.toMatchObject({ status: 404, param: 'previous_response_id' });
    expect(gateway.mock.requests).toEqual([]);
    expect((await client.responses.retrieve(response.id)).id).toBe(response.id);
  });

  test('that is deleted is not there any more', async () => {
    const response = await ask({});
    await client.responses.delete(response.id);
    await expect(client.responses.retrieve(response.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const continued = ask({ previous_response_id: response.id });
    await expect(continued).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('needs a key, and an id that is one', async () => {
    const nobody = new OpenAI({ apiKey: 'sk-slu-nobody', baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    await expect(nobody.responses.retrieve('gen-1')).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    for (const id of ['gen-1', 'resp_1', 'x'.repeat(500), '%00'])
      await expect(client.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe.each(['chat/mock', 'anthropic/mock'])('a conversation that goes on at %s', (model) => {
  test('has all of its turns sent, and never our id', async () => {
    const first = await ask({ instructions: 'Be brief.' });
    const second = await ask({ model, input: 'Second', previous_response_id: first.id });
    await ask({ model, input: 'Third', previous_response_id: second.id });
    expect(seen().text).not.toContain('gen-');
    const turns = seen().body.messages.map(({ role, content }: { role: string; content: unknown }) => {
      return [role, typeof content === 'string' ? content : (content as { text: string }[])[0]?.text];
    });
    expect(turns).toEqual([
      ['user', 'First'],
      ['assistant', 'w0 w1 w2 '],
      ['user', 'Second'],
      ['assistant', 'w0 w1 w2 '],
      ['user', 'Third'],
    ]);
  });

  test('takes the outputs of tools that the earlier answer called', async () => {
    const tools = [{ type: 'function' as const, name: 'get_time', parameters: {}, strict: false }];
    const first = await ask({ model: `${model}-xtools`, tools });
    const outputs = first.output.flatMap((item) =>
      item.type === 'function_call'
        ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'noon' }]
        : [],
    );
    await ask({ model, tools, input: outputs, previous_response_id: first.id });
    expect(seen().text.match(/noon/g)).toHaveLength(2);
    expect(seen().text).toContain('Zürich');
  });

  test('is bounded by what all of it is, so that a hard budget takes it', async () => {
    const key = await gateway.createKey({ budgets: [budget(1)] });
    const bounded = clientOf(key);
    const first = await kept(await bounded.responses.create({ model, input: 'First' }));
    const next = await bounded.responses.create({ model, input: 'Next', previous_response_id: first.id });
    expect(next.status).toBe('completed');
    const foreign = bounded.responses.create({ model, input: 'Next', previous_response_id: 'resp_1' });
    await expect(foreign).rejects.toMatchObject({ code: 'cost_unbounded' });
  });
});

test('an id that is not ours is refused where the provider does not speak this format', async () => {
  const asking = ask({ previous_response_id: 'resp_1' });
  await expect(asking).rejects.toMatchObject({
    code: 'unsupported_parameter',
    param: 'previous_response_id',
  });
});

test('a response is gone after a day', async () => {
  const clock = new ManualClock(1_800_000_000_000);
  const timed = await startLocalGateway({ clock, beside: engine });
  try {
    const own = clientOf(await timed.createKey(), timed);
    const { id } = await own.responses.create({ model: 'anthropic/mock', input: 'First' });
    const isKept = () =>
      own.responses.retrieve(id).then(
        () => true,
        () => false,
      );
    await until('the response is kept', isKept);
    clock.nowMs += STORED_FOR_MS - 60_000;
    expect(await isKept()).toBe(true);
    clock.nowMs += 61_000;
    await expect(own.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  } finally {
    await timed.close();
  }
});
