import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, type CallerDialect, readStream } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey, until } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

describe.each<CallerDialect>(['openai', 'anthropic'])(
  'after the first content, towards a caller of %s',
  (as) => {
    describe.each(['openai', 'anthropic'])('from %s', (provider) => {
      test.each([
        ['fcut', 'upstream_error'],
        ['ftrunc', 'upstream_invalid_response'],
        ['fsseerr', 'upstream_overloaded'],
      ])('%s shows the text so far, then one error and no proper end', async (fault, code) => {
        const response = await ask(gateway, owner.secret, {
          as,
          model: `${provider}/mock-c9-k3-${fault}-b9`,
          body: { stream: true, models: ['openai/mock'] },
        });
        expect(response.status).toBe(200);
        const stream = await readStream(response);
        expect(stream.text).toBe(
          Array.from({ length: 3 }, (_, index) => `w${index} `.padEnd(9, 'x')).join(''),
        );
        expect(stream.errors).toMatchObject([{ code }]);
        expect(stream.isFinished).toBe(false);
        expect(stream.events.at(-1)).toHaveProperty('error');
        expect(gateway.mock.requests).toHaveLength(1);
        const record = await gateway.record(response);
        expect(record).toMatchObject({ outcome: code, chargeBasis: 'estimated' });
        expect(record.cost).toBeGreaterThan(0n);
      });
    });
  },
);

describe('a stalled stream', () => {
  let impatient: LocalGateway;
  let user: TestKey;
  beforeAll(async () => {
    impatient = await startLocalGateway({
      config: { timeouts: { idleMs: 600 } },
    });
    user = await impatient.createKey();
  });
  afterAll(() => impatient.close());

  test('ends with a time-out error once it has been silent for too long', async () => {
    const response = await ask(impatient, user.secret, {
      model: 'openai/mock-c9-k2-fstall',
      body: { stream: true },
    });
    const stream = await readStream(response);
    expect(stream).toMatchObject({ text: mockText(2), isFinished: false });
    expect(stream.errors).toMatchObject([{ code: 'upstream_timeout' }]);
    await until('the upstream call is ended', () => impatient.mock.disconnects === 1);
  });

  test('is not what a slow reader makes of it', async () => {
    const response = await ask(impatient, user.secret, {
      model: 'openai/mock-c300-b100000',
      body: { stream: true, max_tokens: 300 },
    });
    await sleep(1_500);
    const stream = await readStream(response);
    expect(stream).toMatchObject({ errors: [], isFinished: true });
    expect(stream.text).toHaveLength(300 * 100_000);
  });

  test('goes on as long as chunks come, however long it takes in all', async () => {
    const response = await ask(impatient, user.secret, {
      model: 'openai/mock-c9-i100',
      body: { stream: true },
    });
    expect(await readStream(response)).toMatchObject({ text: mockText(9), isFinished: true });
  });
});
