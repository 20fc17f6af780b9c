import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import type { VirtualKey } from '../../lambda/domain/virtual-key.ts';
import { hashSecret, newId } from '../../lambda/handlers/identity.ts';

const SECRET = /^sk-slu-[A-Za-z0-9_-]{16,200}$/;

/**
 * Makes the first virtual key unless it is there. Several servers may do so at once on one store.
 * @throws Error where the secret could not be used as a key
 */
export async function ensureFirstKey(store: Store, secret: string): Promise<void> {
  if (!SECRET.test(secret))
    throw new Error('SLUICE_KEY must be sk-slu- and at least 16 letters, digits, "-" or "_".');
  const keys = dynamoKeyStore(store);
  const hash = hashSecret(secret);
  if ((await keys.findBySecret(hash)) !== undefined) return;
  try {
    await keys.create(firstKey(secret, store.clock.now()), hash);
  } catch (error) {
    // Another server was quicker.
    if ((await keys.findBySecret(hash)) === undefined) throw error;
  }
}

const firstKey = (secret: string, nowMs: number): VirtualKey => ({
  id: virtualKeyId(`key_${newId()}`),
  name: 'first key',
  state: 'active',
  tags: {},
  models: [],
  providers: [],
  budgets: [],
  metadata: {},
  policyVersion: 1,
  createdAtMs: nowMs,
  hint: secret.slice(-4),
});
