import type { SecretHash } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyReader, KeyWithScopes } from '../ports/key-store.ts';

/** Keys this process has read. */
export interface KeyCache {
  /** The key as read at most `maxAgeMs` ago; 0 reads it again. */
  find(hash: SecretHash, maxAgeMs: number): Promise<KeyWithScopes | undefined>;
}

const MOST_KEYS = 10_000;

interface Entry {
  readonly found: KeyWithScopes;
  readonly readAtMs: number;
}

/** Remembers keys that exist. Secrets nobody has are never remembered, so guessing fills nothing. */
export function keyCache(reader: KeyReader, clock: Clock): KeyCache {
  const entries = new Map<SecretHash, Entry>();

  return {
    async find(hash, maxAgeMs) {
      const known = entries.get(hash);
      if (known !== undefined && clock.now() - known.readAtMs < maxAgeMs) return known.found;
      const readAtMs = clock.now();
      const found = await reader.findBySecret(hash);
      entries.delete(hash);
      if (found === undefined) return undefined;
      const oldest = entries.keys().next();
      if (entries.size >= MOST_KEYS && oldest.done !== true) entries.delete(oldest.value);
      entries.set(hash, { found, readAtMs });
      return found;
    },
  };
}
