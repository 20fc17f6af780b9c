import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ERROR_KINDS } from '../../lambda/domain/errors.ts';
import { startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

let store: TestStore;
let admin: TestAdmin;
let keyPath: string;

beforeAll(async () => {
  store = await startStore();
  admin = await startAdmin(store);
  const { json } = await admin.call('POST', '/admin/keys', { name: 'victim' });
  keyPath = `/admin/keys/${json.id}`;
});
afterAll(async () => {
  await admin.close();
  await store.stop();
});

/** The envelope with a code and status that belong together, or an answer of the wanted kind. */
function expectTruthful(answer: Awaited<ReturnType<TestAdmin['call']>>): void {
  expect(answer.headers.get('x-request-id')).toMatch(/^req-/);
  if (answer.status < 300) {
    expect(answer.json.id).toMatch(/^key_/);
    return;
  }
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  const { error } = answer.json;
  expect(Object.keys(ERROR_KINDS)).toContain(error.code);
  expect(answer.status).toBe(ERROR_KINDS[error.code as keyof typeof ERROR_KINDS].status);
  expect(error.message.length).toBeGreaterThan(0);
  expect(typeof error.metadata.retryable).toBe('boolean');
}

const wrongOrRight = <Value>(right: fc.Arbitrary<Value>) =>
  fc.oneof(
    { weight: 3, arbitrary: right as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
const keyBody = fc.record(
  {
    name: wrongOrRight(fc.string({ unit: 'binary', maxLength: 140 })),
    team: wrongOrRight(fc.string()),
    tags: wrongOrRight(fc.dictionary(fc.string(), fc.string())),
    models: wrongOrRight(fc.array(fc.string())),
    providers: wrongOrRight(fc.array(fc.constantFrom('openai', 'sim'))),
    budgets: wrongOrRight(
      fc.array(
        fc.record({
          limit_usd: wrongOrRight(fc.double()),
          window: wrongOrRight(fc.constantFrom('hour', 'day', 'total')),
          soft_limits: wrongOrRight(fc.array(fc.double({ min: 0, max: 1, noNaN: true }))),
        }),
        { maxLength: 4 },
      ),
    ),
    expires_at: wrongOrRight(
      fc.date().map((date) => (Number.isNaN(date.getTime()) ? '' : date.toISOString())),
    ),
    metadata: wrongOrRight(fc.dictionary(fc.string(), fc.string())),
  },
  { requiredKeys: [] },
);

test.each([
  ['POST', (): string => '/admin/keys'],
  ['PATCH', (): string => keyPath],
] as const)('%s answers any JSON with a key or a refusal', async (method, path) => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(keyBody, fc.jsonValue()), async (body) => {
      expectTruthful(await admin.call(method, path(), JSON.stringify(body)));
    }),
    { numRuns: 150 },
  );
});

test('answers any bytes with a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
      const answer = await admin.call('POST', '/admin/keys', bytes);
      expectTruthful(answer);
      expect(answer.status).toBe(400);
    }),
    { numRuns: 100 },
  );
});

test('answers any path and query of the control plane with an envelope or a list', async () => {
  await fc.assert(
    fc.asyncProperty(fc.webPath(), fc.webQueryParameters(), async (path, query) => {
      const answer = await admin.call('GET', `/admin${path}?${query}`);
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400) expectTruthful(answer);
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400, 'UTF-8'],
  ['malformed JSON', '{"name":', 400, 'JSON'],
  ['an empty body', '', 400, 'JSON'],
  ['an array', '[]', 400, 'object'],
  ['deeply nested JSON', `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, ''],
  ['a body of a megabyte and more', `{"name":"${'x'.repeat(1_000_001)}"}`, 413, '1000000 bytes'],
  ['a body the host does not read', `{"name":"${'x'.repeat(7_000_000)}"}`, 413, '1000000 bytes'],
])('refuses %s', async (_what, body, status, message) => {
  const answer = await admin.call('POST', '/admin/keys', body);
  expectTruthful(answer);
  expect(answer.status).toBe(status);
  expect(answer.json.error.message).toContain(message);
});

test('logs nothing but refusals for all that', () => {
  expect(admin.log.text).not.toContain('!');
});
