import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: OpenAI;

const RESULT = { flagged: true, categories: { violence: true }, category_scores: { violence: 0.9 } };

beforeAll(async () => {
  gateway = await startOperationGateway();
  // Moderation is free: a hard budget of nearly nothing holds it.
  owner = await gateway.createKey({ budgets: [budget(0.000_000_001)] });
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = ({ body }) => ({
    body: JSON.stringify({ id: 'modr-1', model: body.model, results: [RESULT] }),
  });
});

test('the OpenAI SDK has texts and pictures judged, for nothing, by the usual model', async () => {
  const input: OpenAI.ModerationMultiModalInput[] = [
    { type: 'text', text: 'A text.' },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
  ];
  const { data, response } = await client.moderations.create({ input }).withResponse();
  expect(data.results).toEqual([RESULT]);
  expect(data.model).toBe('openai/omni-moderation-latest');
  expect(gateway.upstream.requests[0]).toMatchObject({
    path: '/moderations',
    body: { model: 'omni-moderation-latest', input },
  });
  expect(await gateway.record(response)).toMatchObject({
    dialect: 'openai-moderations',
    outcome: 'ok',
    cost: 0n,
    chargeBasis: 'exact',
  });
});

test('a list of texts goes on as it is', async () => {
  await client.moderations.create({ model: 'openai/moderator', input: ['one', 'two'] });
  expect(gateway.upstream.requests[0]?.body).toEqual({ model: 'moderator', input: ['one', 'two'] });
});

test('what is no input is refused by name', async () => {
  const answer = await gateway.post('/v1/moderations', owner.secret, { input: [{ type: 'text' }] });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request', param: 'input[0].text' } });
});
