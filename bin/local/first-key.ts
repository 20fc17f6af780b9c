import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import { isKeySecret, newVirtualKey } from '../../lambda/domain/virtual-key.ts';
import { hashSecret, newId } from '../../lambda/handlers/identity.ts';

/**
 * Makes the first virtual key unless it is there. Several servers may do so at once on one store.
 * @throws Error where the secret could not be used as a key
 */
export async function ensureFirstKey(store: Store, secret: string): Promise<void> {
  if (!isKeySecret(secret))
    throw new Error('SLUICE_KEY must be sk-slu- and at least 16 letters, digits, "-" or "_".');
  const keys = dynamoKeyStore(store);
  const hash = hashSecret(secret);
  if ((await keys.findBySecret(hash)) !== undefined) return;
  try {
    await keys.create(
      newVirtualKey({
        id: virtualKeyId(`key_${newId()}`),
        name: 'first key',
        createdAtMs: store.clock.now(),
        hint: secret.slice(-4),
      }),
      hash,
    );
  } catch (error) {
    // Another server was quicker.
    if ((await keys.findBySecret(hash)) === undefined) throw error;
  }
}
