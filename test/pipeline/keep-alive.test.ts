import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withKeepAlive } from '../../lambda/pipeline/keep-alive.ts';
import { ask, type CallerDialect, readStream } from '../support/ask.ts';
import {
  budget,
  type LocalGateway,
  startLocalGateway,
  type TestKey,
  until,
} from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway({ gateway: { pacing: { silenceMs: 60, keepAliveMs: 40 } } });
  owner = await gateway.createKey({ budgets: [budget(1)] });
});
afterAll(() => gateway.close());

const signsOfLife = (as: CallerDialect, raw: string): number =>
  raw
    .split('\n\n')
    .filter((block) => (as === 'openai' ? block.startsWith(':') : block.startsWith('event: ping'))).length;

describe.each<CallerDialect>(['openai', 'anthropic'])(
  'a provider that is silent for long, towards a caller of %s',
  (as) => {
    // OpenAI's format on the way in has no signs of life of its own, so that all that are seen are ours.
    test('is waited for with signs of life, then its answer comes as ever', async () => {
      const response = await ask(gateway, owner.secret, {
        as,
        model: 'openai/mock-l250-c4',
        body: { stream: true },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const stream = await readStream(response);
      expect(stream).toMatchObject({ text: mockText(4), errors: [], isFinished: true });
      expect(signsOfLife(as, stream.raw)).toBeGreaterThanOrEqual(3);
      expect(await gateway.record(response)).toMatchObject({ outcome: 'ok', chargeBasis: 'exact' });
    });

    test('that then fails is replaced without notice', async () => {
      const response = await ask(gateway, owner.secret, {
        as,
        model: 'openai/mock-l150-e500',
        body: { stream: true, models: ['openai/mock-c4'] },
      });
      expect(await readStream(response)).toMatchObject({ text: mockText(4), errors: [], isFinished: true });
      expect(await gateway.record(response)).toMatchObject({ outcome: 'ok', deployment: 'openai/mock-c4' });
    });

    test('and then fails for good ends the stream with one error and no proper end', async () => {
      const response = await ask(gateway, owner.secret, {
        as,
        model: 'openai/mock-l150-e400',
        body: { stream: true },
      });
      expect(response.status).toBe(200);
      const stream = await readStream(response);
      expect(stream).toMatchObject({ text: '', isFinished: false });
      expect(stream.errors).toMatchObject([{ code: 'invalid_request' }]);
      expect(await gateway.record(response)).toMatchObject({ outcome: 'invalid_request', cost: 0n });
    });

    test('in the middle of its answer is kept alive too', async () => {
      const response = await ask(gateway, owner.secret, {
        as,
        model: 'openai/mock-c3-i150',
        body: { stream: true },
      });
      const stream = await readStream(response);
      expect(stream).toMatchObject({ text: mockText(3), errors: [], isFinished: true });
      expect(signsOfLife(as, stream.raw)).toBeGreaterThanOrEqual(2);
    });
  },
);

test('a caller who leaves while signs of life are sent ends the upstream call', async () => {
  const leaving = new AbortController();
  const response = await ask(gateway, owner.secret, {
    model: 'openai/mock-l3000',
    body: { stream: true },
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  expect(await gateway.record(response)).toMatchObject({ outcome: 'client-gone' });
  await until('the upstream call has ended', () => gateway.mock.disconnects === 1);
});

test('a failure of our own after signs of life is masked for the caller and reported to the operator', async () => {
  const broken = await startLocalGateway({
    gateway: {
      pacing: { silenceMs: 20, keepAliveMs: 20 },
      credentials: {
        async get() {
          await new Promise((resolve) => setTimeout(resolve, 80));
          throw new TypeError('bug in the adapter');
        },
      },
    },
  });
  try {
    const { secret } = await broken.createKey();
    const response = await ask(broken, secret, { body: { stream: true } });
    expect(response.status).toBe(200);
    const { errors, isFinished, raw } = await readStream(response);
    expect(errors).toMatchObject([{ code: 'internal' }]);
    expect(isFinished).toBe(false);
    expect(raw).not.toContain('bug in the adapter');
    expect(await broken.record(response)).toMatchObject({ outcome: 'internal', cost: 0n });
    expect(broken.log()).toContain('bug in the adapter');
  } finally {
    await broken.close();
  }
});

test('an answer that is not streamed is not given a status before its time', async () => {
  const response = await ask(gateway, owner.secret, { model: 'openai/mock-l150-e400' });
  expect(response.status).toBe(400);
});

describe('withKeepAlive', () => {
  async function* slowly(waitsMs: readonly number[]): AsyncGenerator<number> {
    for (const [index, waitMs] of waitsMs.entries()) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      yield index;
    }
  }
  const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
    const all: Item[] = [];
    for await (const item of items) all.push(item);
    return all;
  };

  test('passes every item on once and in order, whatever the pauses', async () => {
    const seen = await collect(withKeepAlive(slowly([0, 30, 0, 25, 1]), 10));
    expect(seen.filter((item) => item !== 'idle')).toEqual([0, 1, 2, 3, 4]);
    expect(seen.filter((item) => item === 'idle').length).toBeGreaterThanOrEqual(2);
  });

  test('says nothing while items keep coming', async () => {
    expect(await collect(withKeepAlive(slowly([0, 1, 1, 1]), 1_000))).toEqual([0, 1, 2, 3]);
  });

  test('throws what its source throws', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('broken');
    }
    await expect(collect(withKeepAlive(failing(), 1_000))).rejects.toThrow('broken');
  });

  test('ends its source when it is left early', async () => {
    let isReleased = false;
    async function* endless(): AsyncGenerator<number> {
      try {
        for (let index = 0; ; index += 1) yield index;
      } finally {
        isReleased = true;
      }
    }
    for await (const item of withKeepAlive(endless(), 1_000)) if (item === 3) break;
    expect(isReleased).toBe(true);
  });
});
