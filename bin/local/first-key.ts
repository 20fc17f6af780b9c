import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import { hashSecret, newId } from '../../lambda/handlers/identity.ts';

const SECRET = /^sk-slu-[A-Za-z0-9_-]{16,200}$/;

/** Makes the first virtual key unless it is there. @throws Error where the secret could not be used as a key */
export async function ensureFirstKey(store: Store, secret: string): Promise<void> {
  if (!SECRET.test(secret))
    throw new Error('SLUICE_KEY must be sk-slu- and at least 16 letters, digits, "-" or "_".');
  const keys = dynamoKeyStore(store);
  const hash = hashSecret(secret);
  if ((await keys.findBySecret(hash)) !== undefined) return;
  await keys.create(
    {
      id: virtualKeyId(`key_${newId()}`),
      name: 'first key',
      state: 'active',
      tags: {},
      models: [],
      providers: [],
      budgets: [],
      metadata: {},
      policyVersion: 1,
      createdAtMs: store.clock.now(),
      hint: secret.slice(-4),
    },
    hash,
  );
}
