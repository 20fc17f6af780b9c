import { type Holding, newHolding } from './holding.ts';
import type { Process } from './kernel.ts';
import type { Store } from './store.ts';
import type { Environment, Key, Request, World } from './world.ts';

export interface Purse extends Holding {
  readonly number: number;
  readonly window: number;
  /** Got what one request needed, and is folded with it. */
  isExact: boolean;
}

/** The purses of one key in one window. Their number is in the key's item. */
interface KeyPurses {
  readonly window: number;
  count: number;
  readonly purses: Purse[];
}

/** Which purses there are, and how many of them each environment believes in. */
export class PurseRegister {
  /** The purses that hold money. */
  readonly index = new Set<Purse>();
  private readonly world: World;
  private readonly store: Store;
  private readonly byKey = new Map<Key, KeyPurses>();
  /** As powers of two. */
  private readonly believed = new Map<Environment, Uint8Array>();

  constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
  }

  /** One of the purses of the request's key. */
  draw({ environment, key }: Request): Purse {
    const all = this.pursesOf(key);
    const index = Math.floor(environment.dice() * 2 ** (this.beliefsOf(environment)[key.index] ?? 0));
    return this.purseAt(key, all, index);
  }

  private purseAt(key: Key, all: KeyPurses, index: number): Purse {
    let purse = all.purses[index];
    if (purse === undefined) {
      const holding = newHolding(`purse ${key.index}.${index}`, key, this.index);
      purse = { ...holding, number: index, window: all.window, isExact: false };
      all.purses[index] = purse;
    }
    return purse;
  }

  /** The purses that are filled and folded together with this one, itself included. */
  blockOf(purse: Purse, size: number): readonly Purse[] {
    const all = this.pursesOf(purse.key);
    const first = purse.number - (purse.number % size);
    const length = Math.min(size, all.count - first);
    return Array.from({ length }, (_, offset) => this.purseAt(purse.key, all, first + offset));
  }

  private pursesOf(key: Key): KeyPurses {
    const known = this.byKey.get(key);
    if (known?.window === this.world.window) return known;
    const made = { window: this.world.window, count: known?.count ?? 1, purses: [] };
    this.byKey.set(key, made);
    return made;
  }

  private beliefsOf(environment: Environment): Uint8Array {
    let beliefs = this.believed.get(environment);
    if (beliefs === undefined) {
      // It reads the key's policy when it meets the key first, so it begins with the truth.
      beliefs = Uint8Array.from(this.world.keys, (key) => Math.log2(this.pursesOf(key).count));
      this.believed.set(environment, beliefs);
    }
    return beliefs;
  }

  countOf(key: Key): number {
    return this.pursesOf(key).count;
  }

  /** Looks how many purses the key has, and doubles them where nobody else has. */
  *widen({ environment, key }: Request, mayDouble: boolean): Process {
    const beliefs = this.beliefsOf(environment);
    const believed = 2 ** (beliefs[key.index] ?? 0);
    const purses = this.pursesOf(key);
    yield* this.store.read(1);
    if (mayDouble && purses.count <= believed)
      yield* this.store.update({
        item: key.item,
        condition: () => purses.count === believed,
        apply: () => {
          purses.count *= 2;
        },
      });
    beliefs[key.index] = Math.log2(purses.count);
  }
}
