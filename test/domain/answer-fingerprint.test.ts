import { describe, expect, test } from '@jest/globals';
import {
  type AnswerCircumstances,
  type AnswerOwner,
  answerFingerprint,
  answerScope,
  requestFingerprint,
} from '../../lambda/domain/answer-fingerprint.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';

const CIRCUMSTANCES: AnswerCircumstances = {
  dialect: 'openai-chat',
  deployments: ['openai/a', 'openai/b'],
  headers: { 'openai-beta': 'x' },
  leftOut: [],
  unsupportedParameters: 'reject',
};
const BODY = {
  model: 'group',
  messages: [{ role: 'user', content: 'Hello' }],
  temperature: 0.5,
  seed: 1,
  n: 2,
  tools: [{ type: 'function', function: { name: 'f' } }],
  provider: { only: ['openai'] },
  models: ['other'],
  x_unknown: true,
};
const fingerprint = (body: object, circumstances: Partial<AnswerCircumstances> = {}): string =>
  answerFingerprint(JSON.stringify(body), { ...CIRCUMSTANCES, ...circumstances });
const same = fingerprint(BODY);

describe('the fingerprint of an answer is the same', () => {
  test.each([
    [{ stream: true }],
    [{ stream: true, stream_options: { include_usage: true } }],
    [{ user: 'ada' }],
    [{ metadata: { trace: '17' } }],
    [{ session_id: 's' }],
    [{ usage: { include: true } }],
    [{ prompt_cache_key: 'k', safety_identifier: 'i' }],
  ])('with %j', (more) => {
    expect(fingerprint({ ...more, ...BODY })).toBe(same);
  });

  test('whatever the order in which health puts the deployments', () => {
    expect(fingerprint(BODY, { deployments: ['openai/b', 'openai/a'] })).toBe(same);
  });
});

describe('the fingerprint of an answer is another one', () => {
  test.each(Object.keys(BODY))('with another %s, or none', (name) => {
    expect(fingerprint({ ...BODY, [name]: 'another' })).not.toBe(same);
    expect(fingerprint({ ...BODY, [name]: undefined })).not.toBe(same);
  });

  test.each([
    [{ stream_options: { include_usage: true, x_mode: 'short' } }],
    [{ metadata: { template: { id: 7 } } }],
    [{ max_tokens: 5 }],
    [{ store: true }],
  ])('with %j', (more) => {
    expect(fingerprint({ ...BODY, ...more })).not.toBe(same);
  });

  test.each([
    { dialect: 'anthropic-messages' },
    { deployments: ['openai/a'] },
    { headers: {} },
    { headers: { 'anthropic-beta': 'x' } },
    { unsupportedParameters: 'drop' as const },
  ])('in other circumstances: %j', (circumstances) => {
    expect(fingerprint(BODY, circumstances)).not.toBe(same);
  });
});

test('the fingerprint of a request knows whether it streams, which model its address names, and who asks', () => {
  const asked = { model: 'm', stream: false };
  const plain = requestFingerprint('{"model":"m","messages":[]}', asked);
  expect(requestFingerprint('{"messages": [], "model": "m"}', asked)).toBe(plain);
  for (const more of [{ stream: true }, { user: 'ada' }, { metadata: { a: 'b' } }])
    expect(requestFingerprint(JSON.stringify({ model: 'm', messages: [], ...more }), asked)).not.toBe(plain);
  for (const other of [{ model: 'n' }, { stream: true }])
    expect(requestFingerprint('{"model":"m","messages":[]}', { ...asked, ...other })).not.toBe(plain);
});

describe('the scope of an answer', () => {
  const facts: AnswerOwner = {
    keyId: virtualKeyId('key_1'),
    endUser: undefined,
    team: undefined,
    organization: undefined,
  };
  const ada = { ...facts, endUser: 'ada', team: 'red', organization: 'acme' };

  test('is the end user of the key, unless it is shared further', () => {
    expect(answerScope(ada, 'end-user')).not.toBe(answerScope({ ...ada, endUser: 'bob' }, 'end-user'));
    expect(answerScope(ada, 'end-user')).not.toBe(answerScope(facts, 'end-user'));
    expect(answerScope({ ...facts, endUser: 'null' }, 'end-user')).not.toBe(answerScope(facts, 'end-user'));
    expect(answerScope(ada, 'end-user')).not.toBe(
      answerScope({ ...ada, keyId: virtualKeyId('key_2') }, 'end-user'),
    );
    expect(answerScope(ada, 'key')).toBe(answerScope({ ...ada, endUser: 'bob' }, 'key'));
  });

  test('within a team or an organization holds its keys, and no others', () => {
    const colleague = { ...ada, keyId: virtualKeyId('key_2'), endUser: 'bob' };
    expect(answerScope(ada, 'team')).toBe(answerScope(colleague, 'team'));
    expect(answerScope(ada, 'team')).not.toBe(answerScope({ ...colleague, team: 'blue' }, 'team'));
    expect(answerScope(ada, 'team')).not.toBe(answerScope({ ...colleague, organization: 'rival' }, 'team'));
    expect(answerScope(ada, 'organization')).toBe(
      answerScope({ ...colleague, team: 'blue' }, 'organization'),
    );
    expect(answerScope(ada, 'organization')).not.toBe(
      answerScope({ ...colleague, organization: 'rival' }, 'organization'),
    );
  });

  test('of a key without a team is the key: nobody shares with all who have none', () => {
    expect(answerScope(facts, 'team')).toBe(answerScope(facts, 'key'));
    expect(answerScope(facts, 'organization')).toBe(answerScope(facts, 'key'));
  });
});
