import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lambda/adapters/system-clock/system-clock.ts';
import { ask, type CallerDialect, readStream } from '../support/ask.ts';
import {
  budget,
  type LocalGateway,
  startLocalGateway,
  type TestKey,
  until,
} from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

/** A group whose first deployment fails in some way; each test has its own, so that no cooldown reaches another. */
const group = (first: string, second = 'anthropic/mock-c4') => ({
  deployments: [first, second].map((id) => {
    const [provider = '', model = ''] = id.split('/');
    return { provider, model };
  }),
});

const FAULTS = ['e429', 'e500', 'e503', 'e529', 'freset', 'fsseerr-k0', 'ftrunc-k0', 'fcut-k0'];

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  const groups = FAULTS.flatMap((fault) =>
    ['w', 's', 'ow', 'os'].map((how) => [
      `${how}-${fault}`,
      how.startsWith('o')
        ? group(`anthropic/mock-z${how}-${fault}`, 'openai/mock-c4')
        : group(`openai/mock-z${how}-${fault}`),
    ]),
  );
  gateway = await startLocalGateway({ config: { modelGroups: Object.fromEntries(groups) } });
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const textIn = async (response: Response): Promise<string> => {
  const body = JSON.parse(await response.text());
  return (
    body.choices?.[0]?.message.content ?? body.content?.map((block: { text?: string }) => block.text).join('')
  );
};

describe('before the first content', () => {
  test.each(FAULTS)('a whole answer comes from the second deployment after %s', async (fault) => {
    const response = await ask(gateway, owner.secret, { model: `w-${fault}` });
    expect(response.status).toBe(200);
    expect(await textIn(response)).toBe(mockText(4));
    expect(response.headers.get('x-sluice-attempts')).toBe('2');
    expect(response.headers.get('x-sluice-deployment')).toBe('anthropic/mock-c4');
    const record = await gateway.record(response);
    expect(record).toMatchObject({ outcome: 'ok', deployment: 'anthropic/mock-c4', provider: 'anthropic' });
    expect(record.attempts).toHaveLength(2);
    expect(record.attempts?.[0]?.deployment).toBe(`openai/mock-zw-${fault}`);
    expect(record.attempts?.[0]?.outcome).not.toBe('ok');
    expect(record.attempts?.[1]).toMatchObject({
      deployment: 'anthropic/mock-c4',
      outcome: 'ok',
      status: 200,
    });
  });

  test.each(FAULTS)('a stream comes from the second deployment after %s', async (fault) => {
    const response = await ask(gateway, owner.secret, { model: `s-${fault}`, body: { stream: true } });
    expect(response.status).toBe(200);
    const stream = await readStream(response);
    expect(stream).toMatchObject({ text: mockText(4), errors: [], isFinished: true });
    expect(response.headers.get('x-sluice-attempts')).toBe('2');
    expect(await gateway.record(response)).toMatchObject({ outcome: 'ok', deployment: 'anthropic/mock-c4' });
  });

  test.each(FAULTS)('an Anthropic caller does not notice %s either', async (fault) => {
    const whole = await ask(gateway, owner.secret, { as: 'anthropic', model: `ow-${fault}` });
    expect(await textIn(whole)).toBe(mockText(4));
    const stream = await ask(gateway, owner.secret, {
      as: 'anthropic',
      model: `os-${fault}`,
      body: { stream: true },
    });
    expect(await readStream(stream)).toMatchObject({ text: mockText(4), errors: [], isFinished: true });
    expect(stream.headers.get('x-sluice-deployment')).toBe('openai/mock-c4');
  });

  test('a provider that never answers is left after the time the caller gives it', async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'openai/mock-fhang',
      body: { stream: true, models: ['anthropic/mock-c4'] },
      headers: { 'x-sluice-ttft-timeout-ms': '150' },
    });
    expect(await readStream(response)).toMatchObject({ text: mockText(4), isFinished: true });
    const record = await gateway.record(response);
    expect(record.attempts?.map(({ outcome }) => outcome)).toEqual(['upstream_timeout', 'ok']);
    expect(gateway.mock.disconnects).toBe(1);
  });

  test('the time for the first content also bounds a provider that sends only headers and role', async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'openai/mock-fstall-k0',
      body: { stream: true, models: ['anthropic/mock-c4'] },
      headers: { 'x-sluice-ttft-timeout-ms': '150' },
    });
    expect(await readStream(response)).toMatchObject({ text: mockText(4), isFinished: true });
  });

  test("fallbacks of the caller's own are tried in their order", async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'openai/mock-e500-b1',
      body: { models: ['anthropic/mock-e500-b1', 'openai/mock-c2', 'openai/mock-c9'] },
    });
    expect(await textIn(response)).toBe(mockText(2));
    expect(gateway.mock.requests.map(({ body }) => body.model)).toEqual([
      'mock-e500-b1',
      'mock-e500-b1',
      'mock-c2',
    ]);
    const record = await gateway.record(response);
    expect(record.modelsAsked).toEqual([
      'openai/mock-e500-b1',
      'anthropic/mock-e500-b1',
      'openai/mock-c2',
      'openai/mock-c9',
    ]);
  });

  test('the same deployment is tried again where there is no other and the failure may pass', async () => {
    const response = await ask(gateway, owner.secret, { model: 'openai/mock-e500-n1-b2' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-attempts')).toBe('2');
  });

  test('the money set aside covers a dearer deployment before it is tried', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(0.01)] });
    const response = await ask(gateway, secret, {
      model: 'openai/mock-e500-b3',
      body: { models: ['openai/gpt-4-32k'], max_tokens: 100 },
    });
    expect(response.status).toBe(502);
    expect(gateway.mock.requests.map(({ body }) => body.model)).not.toContain('gpt-4-32k');
    await gateway.record(response);
    expect((await gateway.counters(key)).windows).toMatchObject({ total: { committed: 0n, spent: 0n } });
  });
});

test('a caller who leaves between two attempts is not called for again', async () => {
  const patient = await startLocalGateway({ clock: systemClock });
  try {
    const { key, secret } = await patient.createKey();
    const leaving = new AbortController();
    const asking = ask(patient, secret, { model: 'openai/mock-e503', signal: leaving.signal });
    await until('the first attempt has failed', () => patient.mock.requests.length === 1);
    leaving.abort();
    await expect(asking).rejects.toThrow();
    await until('it is logged', () => patient.log().includes(key.id));
    expect(patient.log()).toMatch(/client-gone {2}key_/);
    expect(patient.mock.requests).toHaveLength(1);
  } finally {
    await patient.close();
  }
});

describe('a request the caller got wrong', () => {
  test.each<CallerDialect>(['openai', 'anthropic'])('is not tried elsewhere (%s)', async (as) => {
    const response = await ask(gateway, owner.secret, {
      as,
      model: 'openai/mock-e400',
      body: { models: ['anthropic/mock', 'openai/mock'] },
    });
    expect(response.status).toBe(400);
    expect(gateway.mock.requests).toHaveLength(1);
    const { error } = JSON.parse(await response.text());
    expect(error).toMatchObject({ code: 'invalid_request', metadata: { retryable: false } });
    expect(error.metadata.attempts).toHaveLength(1);
    expect(await gateway.record(response)).toMatchObject({ outcome: 'invalid_request', cost: 0n });
  });
});

describe('when nothing is left to try', () => {
  let single: LocalGateway;
  let user: TestKey;
  beforeAll(async () => {
    single = await startLocalGateway({ config: { maxAttempts: 1 } });
    user = await single.createKey();
  });
  afterAll(() => single.close());

  test.each([
    ['e429', 429, 'rate_limit_exceeded', true, '1'],
    ['e503', 503, 'upstream_overloaded', true, '1'],
    ['e529', 503, 'upstream_overloaded', true, '5'],
    ['e500', 502, 'upstream_error', false, null],
    ['freset', 502, 'upstream_error', false, null],
    ['fcut', 502, 'upstream_error', false, null],
    ['ftrunc', 502, 'upstream_invalid_response', false, null],
    ['e401', 502, 'upstream_authentication_failed', false, null],
    ['e403', 502, 'upstream_authentication_failed', false, null],
    ['e404', 404, 'model_not_found', false, null],
  ])('%s is answered as %i %s', async (fault, status, code, retryable, retryAfter) => {
    const response = await ask(single, user.secret, { model: `openai/mock-${fault}` });
    expect(response.status).toBe(status);
    const { error } = JSON.parse(await response.text());
    expect(error).toMatchObject({ code, metadata: { retryable } });
    expect(error.metadata.attempts.length).toBeGreaterThan(0);
    expect(error.metadata.attempts[0]).toMatchObject({ deployment: `openai/mock-${fault}` });
    expect(response.headers.get('x-should-retry')).toBe(String(retryable));
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    const record = await single.record(response);
    expect(record).toMatchObject({ outcome: code });
    // A whole answer that was lost on its way may be billed.
    expect(record.cost === 0n).toBe(fault !== 'fcut');
    expect(record.attempts).toHaveLength(error.metadata.attempts.length);
  });

  test('the deadline of the caller ends it', async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'openai/mock-fhang-b6',
      body: { models: ['anthropic/mock-fhang-b6', 'openai/mock-fhang-b7'] },
      headers: { 'x-sluice-timeout-ms': '200' },
    });
    expect(response.status).toBe(504);
    const { error } = JSON.parse(await response.text());
    expect(error).toMatchObject({ code: 'upstream_timeout', metadata: { retryable: false } });
    expect(error.metadata.attempts).toHaveLength(1);
  });

  test('a time limit of the caller does not count against the deployment', async () => {
    for (let index = 0; index < 3; index += 1) {
      await ask(gateway, owner.secret, {
        model: 'openai/mock-fhang-b8',
        headers: { 'x-sluice-timeout-ms': '20' },
      });
      const stream = await ask(gateway, owner.secret, {
        model: 'openai/mock-c500-i20-b8',
        body: { stream: true },
        headers: { 'x-sluice-timeout-ms': '60' },
      });
      expect((await readStream(stream)).errors).toMatchObject([{ code: 'upstream_timeout' }]);
      await gateway.record(stream);
    }
    const health = await gateway.gateway.health.current();
    expect([...health.keys()].filter((id) => id.endsWith('-b8'))).toEqual([]);
  });
});

test('a request that comes back to its own gateway is refused as a loop', async () => {
  const loop = await startLocalGateway({ environment: { SLUICE_OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' } });
  try {
    const { secret } = await loop.createKey();
    const response = await ask(loop, secret, { headers: { 'x-sluice-via': `another, ${loop.gateway.id}` } });
    expect(response.status).toBe(508);
    expect(JSON.parse(await response.text()).error.code).toBe('loop_detected');
  } finally {
    await loop.close();
  }
});
