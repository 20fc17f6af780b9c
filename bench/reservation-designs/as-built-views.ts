import { type Holding, newHolding } from './holding.ts';
import type { Environment, Key, MicroUsd, Scope, World } from './world.ts';

/** As `lambda/pipeline/authenticate.ts`: a key is read again beside a reservation, and before one after so long. */
const KEY_AGE_MS = 4_000;
const OLDEST_KEY_MS = 300_000;

export interface BuiltPurse extends Holding {
  foldedBeforeMs: number;
  /** Reservations that have left it, in all. */
  leaves: number;
  /** When upkeep shall look at it. */
  lookAtMs: number;
}

/** A purse as an environment last saw it. */
export interface SeenPurse {
  readonly isOpen: boolean;
  readonly room: MicroUsd;
}

/** What an environment knows of one key's purses in one window. */
export interface FamilyView {
  readonly key: Key;
  readonly purses: BuiltPurse[];
  readonly seen: Map<BuiltPurse, SeenPurse>;
  shards: number;
  usedAtMs: number;
  reclaimedAtMs: number;
}

/** A scope's counters as an environment last saw them. */
interface SeenScope {
  readonly left: MicroUsd;
  readonly holders: number;
}

/** What an environment knows. */
export interface View {
  readonly families: Map<readonly BuiltPurse[], FamilyView>;
  readonly scopes: Map<Scope, SeenScope>;
  readonly keys: Map<Key, { readonly shards: number; readonly readAtMs: number }>;
}

/** The purses there are, and what each environment knows of them. */
export class AsBuiltViews {
  /** The purses that hold money. */
  readonly index = new Set<BuiltPurse>();
  /** In the keys' items. */
  readonly shards = new Map<Key, number>();
  private readonly world: World;
  private readonly views = new Map<Environment, View>();
  private readonly purses = new Map<Key, { readonly window: number; readonly all: BuiltPurse[] }>();

  constructor(world: World) {
    this.world = world;
  }

  viewOf(environment: Environment): View {
    const view = this.views.get(environment) ?? { families: new Map(), scopes: new Map(), keys: new Map() };
    this.views.set(environment, view);
    return view;
  }

  /** A key's purses of this window, as an environment knows them after it has looked at the key. */
  familyOf(view: View, key: Key): FamilyView {
    const purses = this.pursesOf(key);
    const family = view.families.get(purses) ?? {
      ...{ key, purses, seen: new Map(), shards: 1 },
      ...{ usedAtMs: Number.NEGATIVE_INFINITY, reclaimedAtMs: Number.NEGATIVE_INFINITY },
    };
    view.families.set(purses, family);
    return family;
  }

  purseAt(family: FamilyView, shard: number): BuiltPurse {
    const { key, purses } = family;
    const made = { ...newHolding(`purse ${key.index}.${shard}`, key, this.index) };
    const purse = purses[shard] ?? { ...made, foldedBeforeMs: 0, leaves: 0, lookAtMs: 0 };
    purses[shard] = purse;
    return purse;
  }

  /** @returns the number of purses as known before the request, and whether the key is read for it */
  readKey(view: View, key: Key): { readonly shards: number; readonly isRead: boolean } {
    const { nowMs } = this.world.kernel;
    const now = { shards: this.shards.get(key) ?? 1, readAtMs: nowMs };
    const known = view.keys.get(key);
    const ageMs = nowMs - (known?.readAtMs ?? Number.NEGATIVE_INFINITY);
    if (ageMs >= KEY_AGE_MS) view.keys.set(key, now);
    return {
      shards: known === undefined || ageMs >= OLDEST_KEY_MS ? now.shards : known.shards,
      isRead: ageMs >= KEY_AGE_MS,
    };
  }

  private pursesOf(key: Key): BuiltPurse[] {
    const { window } = this.world;
    const known = this.purses.get(key);
    if (known?.window === window) return known.all;
    const all: BuiltPurse[] = [];
    this.purses.set(key, { window, all });
    return all;
  }
}
