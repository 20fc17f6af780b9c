import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestKey } from '../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());

/** A route, and where its envelope says what is wrong. */
const ROUTES: readonly (readonly [string, readonly string[]])[] = [
  ['/v1/embeddings', ['error', 'code']],
  ['/api/v1/embeddings', ['error', 'code']],
  ['/v1/moderations', ['error', 'code']],
  ['/v1/images/generations', ['error', 'code']],
  ['/v1/audio/speech', ['error', 'code']],
  ['/v1/audio/transcriptions', ['error', 'code']],
  ['/v1/rerank', ['code']],
  ['/v2/rerank', ['code']],
  ['/v1/messages/count_tokens', ['error', 'code']],
  ['/v1/messages/count_tokens?beta=true', ['error', 'code']],
  ['/v1beta/models/openai%2Fmock:countTokens', ['error', 'details', '0', 'reason']],
  ['/v1/models/openai/mock:countTokens', ['error', 'details', '0', 'reason']],
];

/** What stands at a place of a body, in lower case: Google writes its reasons in capitals. */
function at(body: unknown, path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (value, name) => Object.entries(Object(value)).find(([member]) => member === name)?.[1],
    body,
  );
  return String(found).toLowerCase();
}

describe.each(ROUTES)('POST %s', (path, code) => {
  test.each([
    ['nothing', ''],
    ['half an object', '{"model":'],
    ['a list', '[]'],
    ['an empty object', '{}'],
    ['members of wrong types', '{"model":1,"input":{},"messages":"x","contents":7,"query":[],"documents":9}'],
    ['a field twice', '{"model":"a","model":"b"}'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')],
  ])('refuses %s in its own envelope', async (_what, body) => {
    const answer = await gateway.post(path, owner.secret, body);
    expect(answer.status).toBe(400);
    expect(at(await answer.json(), code)).toBe('invalid_request');
    expect(answer.headers.get('x-should-retry')).toBe('false');
  });

  test('refuses who has no key', async () => {
    const answer = await gateway.post(path, 'sk-slu-unknown', '{}');
    expect(answer.status).toBe(401);
    expect(at(await answer.json(), code)).toBe('authentication_failed');
  });
});

test('nobody was called', () => {
  expect(gateway.upstream.requests).toHaveLength(0);
});
