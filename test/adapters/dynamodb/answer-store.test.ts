import { randomBytes } from 'node:crypto';
import { type AttributeValue, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { answerCipher } from '../../../lambda/adapters/dynamodb/answer-cipher.ts';
import { dynamoAnswerStore } from '../../../lambda/adapters/dynamodb/answer-store.ts';
import type { Store } from '../../../lambda/adapters/dynamodb/store.ts';
import { deploymentId, requestId } from '../../../lambda/domain/ids.ts';
import type { KeptAnswer } from '../../../lambda/domain/kept-answer.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { AnswerStore } from '../../../lambda/ports/answer-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';

const SECRET = 'master-secret-of-the-test';

let engine: TestEngine;
let store: Store;
let answers: AnswerStore;
beforeAll(async () => {
  engine = await startTestEngine();
  store = engine.store();
  answers = answersWith(SECRET);
});
afterAll(() => engine.stop());

const answersWith = (secret: string, clock = store.clock): AnswerStore => {
  const cipher = answerCipher(secret);
  return dynamoAnswerStore({ ...store, clock }, async () => cipher);
};

const answerOf = (text: string): KeptAnswer => ({
  requestId: requestId('gen-1'),
  startedAtMs: 1_700_000_000_000,
  deployment: deploymentId('openai/mock'),
  dialect: 'openai-chat',
  stream: true,
  text,
  cost: { total: nanoUsd(9_007_199_254_740_993n), prompt: nanoUsd(3n), completion: nanoUsd(4n) },
  keptAtMs: store.clock.now(),
  expiresAtMs: store.clock.now() + 3_600_000,
});

type TableItem = Record<string, AttributeValue>;

/** The whole table, as whoever can scan it has it. */
async function dump(): Promise<readonly TableItem[]> {
  const items: TableItem[] = [];
  let startKey: TableItem | undefined;
  do {
    const page = await store.client.send(
      new ScanCommand({ TableName: store.tables.cache, ExclusiveStartKey: startKey }),
    );
    items.push(...(page.Items ?? []));
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
  return items;
}

async function itemsAddedBy(put: () => Promise<unknown>): Promise<readonly TableItem[]> {
  const before = new Set((await dump()).map((item) => item['pk']?.S));
  await put();
  return (await dump()).filter((item) => !before.has(item['pk']?.S));
}

const write = (item: TableItem): Promise<unknown> =>
  store.client.send(new PutItemCommand({ TableName: store.tables.cache, Item: item }));

let addresses = 0;
const newAddress = () => {
  addresses += 1;
  return { scope: 'key:one', fingerprint: `{"model":"mock","n":${addresses}}` };
};

describe('an answer whose name is known', () => {
  test('is given to its own scope by its name alone', async () => {
    const address = newAddress();
    await answers.put(address, answerOf('Hello'));
    const name = await answers.nameOf(address);
    expect(name).toMatch(/^[\w-]{43}$/);
    expect((await answers.getNamed(address.scope, name))?.text).toBe('Hello');
  });

  test('is opened in no other scope', async () => {
    const address = newAddress();
    await answers.put(address, answerOf('Hello'));
    await expect(answers.getNamed('key:two', await answers.nameOf(address))).rejects.toThrow();
  });

  test('is not there under a name that nobody has', async () => {
    expect(await answers.getNamed('key:one', 'no-such-name')).toBeUndefined();
  });
});

describe('an answer that is kept', () => {
  test('is given back as it was, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 2_000 }), async (text) => {
        const address = newAddress();
        const answer = answerOf(text);
        expect(await answers.put(address, answer)).toBe('kept');
        expect(await answers.get(address)).toEqual(answer);
      }),
      { numRuns: 25 },
    );
  });

  test('is not found under another fingerprint or in another scope', async () => {
    const address = newAddress();
    await answers.put(address, answerOf('hello'));
    expect(await answers.get({ ...address, fingerprint: `${address.fingerprint} ` })).toBeUndefined();
    expect(await answers.get({ ...address, scope: 'key:two' })).toBeUndefined();
  });

  test('replaces another at its address', async () => {
    const address = newAddress();
    await answers.put(address, answerOf('first'));
    await answers.put(address, answerOf('second'));
    expect((await answers.get(address))?.text).toBe('second');
  });

  test('is not given once it has expired, though it is still stored', async () => {
    const address = newAddress();
    const answer = answerOf('short-lived');
    await answers.put(address, answer);
    const later = answersWith(SECRET, { ...store.clock, now: () => answer.expiresAtMs });
    expect(await later.get(address)).toBeUndefined();
  });

  test('is stored in items of at most 350 KB, where it is large', async () => {
    const address = newAddress();
    const answer = answerOf(randomBytes(750_000).toString('base64'));
    const items = await itemsAddedBy(() => answers.put(address, answer));
    expect(items.length).toBeGreaterThan(1);
    for (const item of items) {
      expect(item['data']?.B?.byteLength).toBeLessThanOrEqual(349_000);
      expect(Number(item['expiresAtSeconds']?.N)).toBe(Math.ceil(answer.expiresAtMs / 1_000));
    }
    expect(await answers.get(address)).toEqual(answer);
  });

  test('is not kept beyond 4 MB', async () => {
    const address = newAddress();
    expect(await answers.put(address, answerOf(randomBytes(4_100_000).toString('base64')))).toBe('too-large');
    expect(await answers.get(address)).toBeUndefined();
  });
});

describe('without the master secret', () => {
  const prompt = '{"messages":[{"content":"Has Ada Lovelace paid her invoice?"}],"model":"mock"}';
  const words = 'Ada Lovelace owes 1,815 pounds.';

  test('the whole table and every hash in it open nothing', async () => {
    const address = { scope: 'key:one/ada', fingerprint: prompt };
    const items = await itemsAddedBy(() => answers.put(address, answerOf(words)));
    const [item] = items;
    const texts = JSON.stringify(items, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    for (const word of ['Ada', 'Lovelace', 'mock', 'openai', 'key:one', 'gen-1', 'pounds'])
      expect(texts).not.toContain(word);
    const sealed = item?.['data']?.B ?? new Uint8Array();
    const pk = item?.['pk']?.S ?? '';
    const place = `${pk} ${item?.['write']?.S} ${item?.['parts']?.N}`;
    expect(answerCipher(SECRET).open(address.scope, place, sealed).byteLength).toBeGreaterThan(0);
    // All that the table and a guess of the scope give.
    for (const guess of ['', SECRET.slice(1), pk, pk.slice('answer#'.length), place, address.scope, prompt])
      expect(() => answerCipher(guess).open(address.scope, place, sealed)).toThrow();
  });

  test('who knows the question and the scope cannot tell whether it was asked', async () => {
    const address = { scope: 'key:one/ada', fingerprint: prompt };
    const items = await itemsAddedBy(() =>
      answers.put({ ...address, scope: 'key:one/bob' }, answerOf(words)),
    );
    for (const guess of ['', 'another secret'])
      expect(items.map((item) => item['pk']?.S)).not.toContain(
        `answer#${answerCipher(guess).nameOf('answer', 'key:one/bob', prompt)}`,
      );
    expect(await answersWith('another secret').get({ ...address, scope: 'key:one/bob' })).toBeUndefined();
  });
});

describe('what was tampered with does not open', () => {
  async function keptItem() {
    const address = newAddress();
    const [item] = await itemsAddedBy(() => answers.put(address, answerOf('as it was')));
    if (item === undefined) throw new Error('Nothing was kept.');
    return { address, item };
  }

  test('an answer of another scope, put in its place', async () => {
    const { item } = await keptItem();
    const sealed = item['data']?.B ?? new Uint8Array();
    const place = `${item['pk']?.S} ${item['write']?.S} ${item['parts']?.N}`;
    expect(() => answerCipher(SECRET).open('key:two', place, sealed)).toThrow();
  });

  test('an item moved to another key', async () => {
    const { item } = await keptItem();
    const other = await keptItem();
    await write({ ...item, pk: other.item['pk'] ?? { S: '' } });
    await expect(answers.get(other.address)).rejects.toThrow();
  });

  test('flipped bits, wherever they are', async () => {
    const { address, item } = await keptItem();
    const sealed = Buffer.from(item['data']?.B ?? []);
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.byteLength * 8 - 1), async (bit) => {
        const flipped = Buffer.from(sealed);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await write({ ...item, data: { B: flipped } });
        await expect(answers.get(address)).rejects.toThrow();
      }),
      { numRuns: 40 },
    );
  });

  test('a large answer whose parts were exchanged, or taken from an earlier one', async () => {
    const address = newAddress();
    const large = () => answerOf(randomBytes(800_000).toString('base64'));
    const first = await itemsAddedBy(() => answers.put(address, large()));
    const tails = first.filter((item) => item['sk']?.S !== 'head');
    const [one, two] = tails;
    if (one === undefined || two === undefined) throw new Error('The answer has too few parts.');
    await write({ ...one, data: two['data'] ?? { B: new Uint8Array() } });
    await expect(answers.get(address)).rejects.toThrow();
    await answers.put(address, large());
    expect(await answers.get(address)).toBeDefined();
  });
});
