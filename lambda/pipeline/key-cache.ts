import type { SecretHash } from '../domain/ids.ts';
import type { ScopeSettings } from '../domain/scope-settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyReader, KeyWithScopes } from '../ports/key-store.ts';

/** Keys this process has read. */
export interface KeyCache {
  /** The key as read at most `maxAgeMs` ago; 0 reads it again. */
  find(hash: SecretHash, maxAgeMs: number): Promise<KeyWithScopes | undefined>;
  /**
   * Whether a key, the scopes above it and a request's tags are still as they were read, looked at again where that was
   * longer ago than `maxAgeMs`. For beside a write that does not prove it itself.
   */
  isCurrent(
    hash: SecretHash,
    known: KeyWithScopes,
    tags: readonly ScopeSettings[],
    maxAgeMs: number,
  ): Promise<boolean>;
}

const MOST_KEYS = 10_000;

const isSameSettings = (a: readonly ScopeSettings[], b: readonly ScopeSettings[]): boolean =>
  a.length === b.length &&
  a.every(
    ({ scope, policyVersion }, index) =>
      scope.id === b[index]?.scope.id && policyVersion === b[index]?.policyVersion,
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
    async isCurrent(hash, known, tags, maxAgeMs) {
      const entry = entries.get(hash);
      const isFresh = entry?.found.key === known.key && clock.now() - entry.readAtMs < maxAgeMs;
      // Which tags it names is the request's own, and remembered nowhere.
      if (isFresh && tags.length === 0) return true;
      const readAtMs = clock.now();
      const found = await reader.again(
        known.key,
        tags.map(({ scope }) => scope),
      );
      const isSame =
        found !== undefined &&
        found.key.policyVersion === known.key.policyVersion &&
        isSameSettings(found.scopes, known.scopes) &&
        isSameSettings(found.tags, tags);
      // Through which secret it was found it does not tell: what that means for the key stays as it is.
      if (isSame)
        entries.set(hash, {
          found: { key: known.key, scopes: found.scopes, purseShards: found.purseShards },
          readAtMs,
        });
      return isSame;
    },
  };
}
