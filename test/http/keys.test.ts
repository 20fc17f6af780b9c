import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { withNewSecret } from '../../lambda/domain/virtual-key.ts';
import { hashSecret } from '../../lambda/handlers/identity.ts';
import { ask } from '../support/ask.ts';
import { hurriedClock } from '../support/engine.ts';
import { type LocalGateway, startLocalGateway } from '../support/local-gateway.ts';

let gateway: LocalGateway;

beforeAll(async () => {
  gateway = await startLocalGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const errorOf = async (response: Response) => JSON.parse(await response.text()).error;

describe('a key that', () => {
  test('has expired is refused', async () => {
    const { secret } = await gateway.createKey({ expiresAtMs: Date.now() - 1 });
    expect((await ask(gateway, secret, {})).status).toBe(401);
  });

  test('is revoked stops with its next request, although this process has it in memory', async () => {
    const { key, secret } = await gateway.createKey();
    expect((await ask(gateway, secret, {})).status).toBe(200);
    await gateway.revokeKey(key);
    for (const stream of [false, true]) {
      const response = await ask(gateway, secret, { body: { stream } });
      expect(response.status).toBe(401);
      expect(await errorOf(response)).toMatchObject({ code: 'authentication_failed' });
    }
    expect(gateway.mock.requests).toHaveLength(1);
  });

  test('is revoked is refused within five seconds also for what would be refused anyway', async () => {
    let skewMs = 0;
    const clock = { ...hurriedClock, now: () => hurriedClock.now() + skewMs };
    const later = await startLocalGateway({ clock });
    try {
      const { key, secret } = await later.createKey();
      expect((await ask(later, secret, {})).status).toBe(200);
      await later.revokeKey(key);
      skewMs = 5_000;
      for (const body of [{ messages: 'none' }, { model: 'nobody/knows' }, { models: 7 }])
        expect((await ask(later, secret, { body })).status).toBe(401);
      const models = await fetch(`${later.url}/v1/models`, { headers: { 'x-api-key': secret } });
      expect(models.status).toBe(401);
    } finally {
      await later.close();
    }
  });

  test('is disabled stops with its next request, and goes on within five seconds of being enabled', async () => {
    let skewMs = 0;
    const clock = { ...hurriedClock, now: () => hurriedClock.now() + skewMs };
    const later = await startLocalGateway({ clock });
    try {
      const keys = dynamoKeyStore(later.store);
      const { key, secret } = await later.createKey();
      expect((await ask(later, secret, {})).status).toBe(200);
      const disabled = await keys.update({ ...key, state: 'disabled' });
      expect((await ask(later, secret, {})).status).toBe(401);
      await keys.update({ ...disabled, state: 'active' });
      skewMs = 5_000;
      expect((await ask(later, secret, {})).status).toBe(200);
    } finally {
      await later.close();
    }
  });

  test('has a new secret is let in with it, and with the old one to the last millisecond of its grace', async () => {
    let skewMs = 0;
    const clock = { ...hurriedClock, now: () => hurriedClock.now() + skewMs };
    const later = await startLocalGateway({ clock });
    try {
      const { key, secret } = await later.createKey();
      expect((await ask(later, secret, {})).status).toBe(200);
      const graceMs = 3_600_000;
      const rotated = withNewSecret(key, { hint: 'next', graceMs, nowMs: clock.now() });
      await dynamoKeyStore(later.store).rotate(rotated, hashSecret('sk-slu-the-next-secret-of-it'));
      expect((await ask(later, 'sk-slu-the-next-secret-of-it', {})).status).toBe(200);
      expect((await ask(later, secret, {})).status).toBe(200);
      // The key was read a moment before its grace ends, and is remembered.
      skewMs = graceMs - 10_000;
      expect((await ask(later, secret, {})).status).toBe(200);
      skewMs = graceMs;
      expect((await ask(later, secret, {})).status).toBe(401);
      expect((await ask(later, 'sk-slu-the-next-secret-of-it', {})).status).toBe(200);
    } finally {
      await later.close();
    }
  });

  test('may call only some models is refused the others', async () => {
    const { secret } = await gateway.createKey({ models: ['openai/mock-c*'] });
    expect((await ask(gateway, secret, { model: 'openai/mock-c2' })).status).toBe(200);
    const response = await ask(gateway, secret, { model: 'openai/mock' });
    expect(response.status).toBe(403);
    expect(await errorOf(response)).toMatchObject({ code: 'permission_denied', param: 'model' });
  });

  test('may use only some providers is refused the others', async () => {
    const { secret } = await gateway.createKey({ providers: ['anthropic'] });
    const response = await ask(gateway, secret, { model: 'openai/mock' });
    expect(response.status).toBe(404);
    expect((await errorOf(response)).message).toContain('not allowed for this key');
  });

  test('comes in any of the three headers is let in', async () => {
    const { secret } = await gateway.createKey();
    for (const name of ['x-api-key', 'x-goog-api-key', 'authorization']) {
      const value = name === 'authorization' ? `bearer  ${secret}` : secret;
      const response = await ask(gateway, '', { headers: { authorization: '', [name]: value } });
      expect(response.status).toBe(200);
    }
  });
});
