import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { requestId } from '../../lambda/domain/ids.ts';
import { windowIdAt } from '../../lambda/domain/money/window.ts';
import type { RequestRecord } from '../../lambda/domain/request-record.ts';
import { ask, parseStream, type Question } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

const GROUP = {
  together: {
    cache: { mode: 'exact' as const, singleFlight: true },
    deployments: [{ provider: 'openai', model: 'mock-l300' }],
  },
};

/** Four of them, as four processes have: each with its own memory and connections, over one store. */
let gateways: readonly LocalGateway[];
let first: LocalGateway;
let key: TestKey;
beforeAll(async () => {
  first = await startLocalGateway({ config: { modelGroups: GROUP } });
  const others = [1, 2, 3].map(() => startLocalGateway({ config: { modelGroups: GROUP }, beside: first }));
  gateways = [first, ...(await Promise.all(others))];
});
afterAll(async () => {
  await Promise.all(gateways.slice(1).map((gateway) => gateway.close()));
  await first.close();
});
beforeEach(async () => {
  key = await first.createKey();
  first.mock.reset();
});

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly cache: string | null;
  readonly record: RequestRecord;
}

async function askAll(count: number, question: (index: number) => Question): Promise<readonly Answered[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Answered> => {
      const gateway = gateways[index % gateways.length] ?? first;
      const response = await ask(gateway, key.secret, question(index));
      const text = await response.text();
      const record = await first.record(response);
      return { status: response.status, text, cache: response.headers.get('x-sluice-cache'), record };
    }),
  );
}

async function spent(): Promise<bigint> {
  const counters = await first.counters(key.key);
  return counters.windows[windowIdAt('total', first.store.clock.now())]?.spent ?? 0n;
}

describe('requests that are the same and come together', () => {
  test('make one upstream call, fifty of them over four processes; one pays, each has its record', async () => {
    const answers = await askAll(50, () => ({ model: 'together' }));
    expect(first.mock.requests).toHaveLength(1);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    for (const { text } of answers) expect(JSON.parse(text).choices[0].message.content).toBe(mockText(3));
    expect(new Set(answers.map(({ text }) => JSON.parse(text).id)).size).toBe(50);
    const payers = answers.filter(({ record }) => record.cost !== 0n);
    expect(payers).toHaveLength(1);
    expect(payers[0]?.cache).toBe('miss');
    expect(answers.filter(({ record }) => record.cacheHit !== undefined)).toHaveLength(49);
    expect(await spent()).toBe(payers[0]?.record.cost);
  });

  test('each get the form they asked for', async () => {
    const answers = await askAll(8, (index) => ({ model: 'together', body: { stream: index % 3 === 0 } }));
    expect(first.mock.requests).toHaveLength(1);
    for (const [index, { text }] of answers.entries())
      expect(index % 3 === 0 ? parseStream(text).text : JSON.parse(text).choices[0].message.content).toBe(
        mockText(3),
      );
  });

  test('are the same only for the same end user', async () => {
    await askAll(8, (index) => ({ model: 'together', body: { user: index % 2 === 0 ? 'ada' : 'bob' } }));
    expect(first.mock.requests).toHaveLength(2);
  });

  test('each go on alone where the answer is not one to be shared', async () => {
    const answers = await askAll(6, () => ({ model: 'together', body: { max_tokens: 2 } }));
    for (const { status, text } of answers)
      expect([status, JSON.parse(text).choices[0].finish_reason]).toEqual([200, 'length']);
    expect(first.mock.requests).toHaveLength(6);
  });

  test('each go on alone where the first one fails, and the next ones lead again', async () => {
    const question: Question = {
      model: 'openai/mock-l100-e400-n1',
      headers: { 'x-sluice-cache': 'exact', 'x-sluice-single-flight': 'on' },
    };
    const answers = await askAll(6, () => question);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 400]);
    const calls = first.mock.requests.length;
    expect((await askAll(1, () => question))[0]?.cache).toBe('hit');
    expect(first.mock.requests).toHaveLength(calls);
  });

  test('are called one by one where nobody asked for this', async () => {
    const headers = { 'x-sluice-cache': 'exact' };
    await askAll(4, () => ({ model: 'openai/mock-l200', headers }));
    expect(first.mock.requests).toHaveLength(4);
    await askAll(4, () => ({
      model: 'together',
      headers: { 'x-sluice-single-flight': 'off' },
      body: { seed: 4 },
    }));
    expect(first.mock.requests).toHaveLength(8);
  });
});

test('a leader that died is waited for no longer than its claim stands', async () => {
  const { claims } = first.gateway;
  // What the dead one left: a claim, and nobody behind it.
  const died: Parameters<typeof claims.take>[0][] = [];
  const spy = {
    ...claims,
    take: async (...given: Parameters<typeof claims.take>) => {
      died.push(given[0]);
      return claims.take({ ...given[0], owner: requestId('gen-dead') }, first.store.clock.now() + 400);
    },
  };
  const dying = await startLocalGateway({
    config: { modelGroups: GROUP },
    beside: first,
    // It dies before it keeps its answer.
    gateway: { claims: spy, answers: { ...first.gateway.answers, put: async () => 'too-large' } },
  });
  try {
    const question: Question = { model: 'together', body: { seed: 99 } };
    await (await ask(dying, key.secret, question)).text();
    expect(died).toHaveLength(1);
    const [claim] = died;
    if (claim === undefined) throw new Error('Nothing was claimed.');
    expect(await claims.look(claim)).toBe('running');
    const [answer] = await askAll(1, () => ({ model: 'together', body: { seed: 99 } }));
    expect([answer?.status, answer?.cache]).toEqual([200, 'miss']);
    expect(first.mock.requests).toHaveLength(2);
  } finally {
    await dying.close();
  }
});
