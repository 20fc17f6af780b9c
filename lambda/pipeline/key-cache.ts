import type { SecretHash } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyReader, KeyWithScopes } from '../ports/key-store.ts';

/** Keys this process has read. */
export interface KeyCache {
  /** The key as read at most `maxAgeMs` ago; 0 reads it again. */
  find(hash: SecretHash, maxAgeMs: number): Promise<KeyWithScopes | undefined>;
  /**
   * Whether a key and the scopes above it are still as they were read, looked at again where that was longer ago than
   * `maxAgeMs`. For beside a write that does not prove it itself.
   */
  isCurrent(hash: SecretHash, known: KeyWithScopes, maxAgeMs: number): Promise<boolean>;
}

const MOST_KEYS = 10_000;

const isSamePolicy = (a: KeyWithScopes, b: KeyWithScopes): boolean =>
  a.key.policyVersion === b.key.policyVersion &&
  a.scopes.length === b.scopes.length &&
  a.scopes.every(
    ({ scope, policyVersion }, index) =>
      scope.id === b.scopes[index]?.scope.id && policyVersion === b.scopes[index]?.policyVersion,
  );

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
    async isCurrent(hash, known, maxAgeMs) {
      const entry = entries.get(hash);
      if (entry?.found.key === known.key && clock.now() - entry.readAtMs < maxAgeMs) return true;
      const readAtMs = clock.now();
      const found = await reader.again(known.key);
      if (found === undefined || !isSamePolicy(found, known)) return false;
      // Through which secret it was found it does not tell: what that means for the key stays as it is.
      const { purseShards, purseShardsAtMs } = found.key;
      const key = {
        ...known.key,
        ...(purseShards !== undefined && { purseShards }),
        ...(purseShardsAtMs !== undefined && { purseShardsAtMs }),
      };
      entries.set(hash, { found: { key, scopes: found.scopes }, readAtMs });
      return true;
    },
  };
}
