import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

describe('a credential the provider refuses', () => {
  afterEach(() => {
    delete gateway.environment['OPENAI_API_KEY'];
    gateway.environment['OPENAI_API_KEY'] = 'openai-credential';
  });

  test('is read again, and the request sent once more with the new one', async () => {
    let reads = 0;
    Object.defineProperty(gateway.environment, 'OPENAI_API_KEY', {
      configurable: true,
      get: () => (reads++ === 0 ? 'bad-old' : 'new'),
    });
    const response = await ask(gateway, owner.secret, { model: 'openai/mock' });
    expect(response.status).toBe(200);
    expect(gateway.mock.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer bad-old',
      'Bearer new',
    ]);
    expect(response.headers.get('x-sluice-attempts')).toBe('1');
  });

  test('of several is passed over for the next', async () => {
    gateway.environment['OPENAI_API_KEY'] = 'bad-one,good-one';
    for (let index = 0; index < 2; index += 1)
      expect((await ask(gateway, owner.secret, { model: 'openai/mock' })).status).toBe(200);
    expect(gateway.mock.requests.map(({ headers }) => headers.authorization)).toContain('Bearer bad-one');
  });

  test('fails over where there is no other', async () => {
    gateway.environment['OPENAI_API_KEY'] = 'bad-only';
    const response = await ask(gateway, owner.secret, {
      model: 'openai/mock',
      body: { models: ['anthropic/mock-c4'] },
    });
    expect(JSON.parse(await response.text()).choices[0].message.content).toBe(mockText(4));
    const record = await gateway.record(response);
    expect(record.attempts?.map(({ outcome }) => outcome)).toEqual(['upstream_authentication_failed', 'ok']);
  });
});
