import type { Reservation } from '../../domain/request-record.ts';
import type { Purse } from './purse-item.ts';

/** Purses as this process last saw them: tells where to try first, and never decides. */
export interface PurseViews {
  family(name: string): PurseFamilyView;
}

/** What is known of one key's purses that hold the same scopes in the same period. */
export interface PurseFamilyView {
  readonly purses: Map<string, Purse>;
  /** How many there are to choose from, as far as this process knows. */
  shards: number;
  /** When this process last used one of them; `undefined`: never. */
  usedAtMs: number | undefined;
  /** When a refusal last made all of them give back what they had. */
  reclaimedAtMs: number;
}

const MOST_FAMILIES = 10_000;

export function purseViews(): PurseViews {
  const families = new Map<string, PurseFamilyView>();
  return {
    family(name) {
      const known = families.get(name) ?? {
        purses: new Map(),
        shards: 1,
        usedAtMs: undefined,
        reclaimedAtMs: 0,
      };
      families.delete(name);
      const oldest = families.keys().next();
      if (families.size >= MOST_FAMILIES && oldest.done !== true) families.delete(oldest.value);
      families.set(name, known);
      return known;
    },
  };
}

/** Requests that come closer than this to each other are many. */
const BUSY_GAP_MS = 1_000;

/**
 * Whether a key's purses keep money in hand between requests: where its requests crowd or come close to each other, and
 * where so many purses share a scope that a transaction for each request would be too much for it.
 * @param gapMs since the request before this one; `undefined`: not known
 */
export const isBusy = (
  { terms }: Pick<Reservation, 'terms'>,
  { shards }: Pick<PurseFamilyView, 'shards'>,
  gapMs: number | undefined,
): boolean => terms.isShared || shards > 1 || (gapMs !== undefined && gapMs < BUSY_GAP_MS);
