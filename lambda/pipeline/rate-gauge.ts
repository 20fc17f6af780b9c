import { GatewayError } from '../domain/errors.ts';
import type { GiveBack } from '../domain/rates/rate-change.ts';
import {
  areSameLimits,
  countName,
  type RateCounters,
  type RateLimits,
  type RateShortage,
  shortageOf,
  slotsName,
  slotsUsed,
  strictest,
  windowAt,
  withDemand,
} from '../domain/rates/rate-window.ts';
import type { Clock } from '../ports/clock.ts';
import type { RateStore } from '../ports/rate-store.ts';
import {
  type Attempt,
  countedTokens,
  demandOf,
  expiryMinuteOf,
  planAttempt,
  type RateAsk,
} from './rate-attempt.ts';
import { RateBlock } from './rate-block.ts';
import { RateTally } from './rate-tally.ts';

/** What a request holds of a scope until it has ended. */
export interface RateHold {
  /** Under which it was taken. */
  readonly limits: RateLimits;
  /** The Unix minute it was counted in. */
  readonly minute: number;
  /** What was counted; 0 where tokens are not limited. */
  readonly tokens: number;
  readonly slotExpiry: number | undefined;
  /** False: the store did not answer, so nothing was counted and nothing is to be given back. */
  readonly isCounted: boolean;
}

export type TakeOutcome =
  | { readonly type: 'taken'; readonly hold: RateHold }
  | { readonly type: 'refused'; readonly shortage: RateShortage };

/**
 * How long after its last answer about a scope a store that does not answer refuses nobody. What was left of the limit then
 * may still be used, by each process as if it were alone; then requests fail with `store_unavailable`. A rate limit protects
 * providers and neighbours from a flood, and a hiccup of one partition is none: refusing all of a team's traffic for it would
 * cost more than a few seconds' excess, which is bounded both in time and by what was left. Money stays closed anyway:
 * no store, no reservation. Ten seconds outlast a failover of the service, not an outage. A store that answers, but takes no
 * more writes of this scope, is no such hiccup but the flood itself: then nobody is let through uncounted.
 */
const OPEN_FOR_MS = 10_000;
/** A refusal is repeated without asking again for this long, unless a request fits earlier. */
const REFUSAL_KEPT_MS = 250;
/** The same in a hot scope, where asking for each refused request would be too many writes. */
const HOT_REFUSAL_KEPT_MS = 2000;
/** Others may take what was free between a look and a write, this many times. */
const MOST_ROUNDS = 8;
/** Slots of a hot scope are kept for the process's next request while no more than this share of them is taken. */
const SHARE_WITH_KEPT_SLOTS = 1 / 2;

/** Above this an item holds counters of minutes long gone, which processes that live for one request never remove. */
const MOST_COUNTERS = 24;

/** A request that waits for a write. */
interface Taker {
  readonly ask: RateAsk;
  readonly resolve: (outcome: TakeOutcome) => void;
  readonly reject: (error: unknown) => void;
}
/** Someone who waits until what is owed has been given back. */
interface Giver {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One scope's limits as one process meets them. At most one write is on its way: whoever comes meanwhile shares the next one.
 * All it remembers is a cache: another process's gauge on the same scope needs nothing of it, and the store's conditions
 * decide whatever it believes.
 *
 * What holds, however processes interleave, crash, lose answers or disagree about the time: with `count(m)` the requests (or
 * tokens) admitted in minute m, at every moment `count(m) + ceil(count(m − 1) × (1 − elapsed / 60 s)) ≤ limit`, where m and
 * `elapsed` are those of the clock furthest ahead. Only an answer that used more tokens than its upper bound exceeds it, by
 * that much, and what is let through while the store is down. Concurrent requests never exceed their limit until they expire.
 */
export class RateGauge {
  readonly #store: RateStore;
  readonly #clock: Clock;
  readonly #scope: string;
  readonly #block = new RateBlock();
  readonly #tally = new RateTally();
  #counters: RateCounters = {};
  /** Of the clock that never jumps. */
  #answeredAtMs: number | undefined;
  #isHot = false;
  #owed = new Map<string, number>();
  #takers: Taker[] = [];
  #givers: Giver[] = [];
  #isWriting = false;
  #refusal: { readonly untilMs: number; readonly shortage: RateShortage; readonly ask: RateAsk } | undefined;

  constructor(parts: { readonly store: RateStore; readonly clock: Clock; readonly scope: string }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#scope = parts.scope;
  }

  /** The counters as last seen: for headers. */
  get counters(): RateCounters {
    return this.#counters;
  }

  /** @throws GatewayError `store_unavailable` */
  async take(ask: RateAsk): Promise<TakeOutcome> {
    const nowMs = this.#clock.now();
    this.#tally.add(nowMs);
    const fitsNever = shortageOf(ask.limits, {}, demandOf([ask], ask.limits), nowMs);
    if (fitsNever !== undefined) return { type: 'refused', shortage: fitsNever };
    const hold = this.#fromBlock(ask, nowMs);
    if (hold !== undefined) return { type: 'taken', hold };
    const shortage = this.#rememberedShortage(ask);
    if (shortage !== undefined) return { type: 'refused', shortage };
    return new Promise((resolve, reject) => {
      this.#takers.push({ ask, resolve, reject });
      this.#write();
    });
  }

  /**
   * Gives back what a request did not use, and its slot; `tokens` is less than 0 where it used more than it took. In a hot
   * scope that goes with the next write. Best effort: what cannot be given back lapses.
   */
  async giveBack(
    hold: RateHold,
    unused: { readonly requests: number; readonly tokens: number },
  ): Promise<void> {
    if (!hold.isCounted) return;
    this.#owe(countName('requests', hold.minute), unused.requests);
    this.#owe(countName('tokens', hold.minute), unused.tokens);
    const keepsSlot = this.#keepsSlots(hold.limits);
    if (hold.slotExpiry !== undefined) {
      if (keepsSlot) this.#block.keepSlot(hold.slotExpiry);
      else this.#owe(slotsName(hold.slotExpiry), 1);
    }
    const canWait = this.#isHot && (keepsSlot || hold.slotExpiry === undefined);
    if (canWait || (this.#owed.size === 0 && !this.#isLittered())) return;
    await new Promise<void>((resolve, reject) => {
      this.#givers.push({ resolve, reject });
      this.#write();
    });
  }

  #write(): void {
    // Whoever waits is told what comes of it; it never rejects itself.
    if (!this.#isWriting) void this.#writeWhileAnyWait();
  }

  async #writeWhileAnyWait(): Promise<void> {
    this.#isWriting = true;
    while (this.#takers.length > 0 || this.#givers.length > 0) {
      const takers = new Set(this.#takers.splice(0));
      const givers = this.#givers.splice(0);
      try {
        await this.#writeFor(takers);
        for (const { resolve } of givers) resolve();
      } catch (error) {
        for (const { reject } of [...takers, ...givers]) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** Serves or refuses each of the takers, and takes it off the set. @throws what is a bug */
  async #writeFor(takers: Set<Taker>): Promise<void> {
    let giveBack = this.#takeOwed();
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      const attempt = this.#planFor(takers, giveBack);
      if (takers.size === 0 && attempt.change.changes.size === 0 && !this.#isLittered()) return;
      const outcome = await this.#store.change(this.#scope, attempt.change).catch(storeDown);
      if (outcome instanceof GatewayError) return this.#serveUncounted(takers, outcome);
      if (outcome.type === 'busy') break;
      this.#counters = outcome.counters;
      this.#answeredAtMs = this.#clock.monotonicMs();
      if (outcome.type === 'done') return this.#serve(takers, attempt);
      // Given back twice would be taken from others; not given back, it lapses.
      if (outcome.type === 'unknown') giveBack = new Map();
      this.#refuseUnfit(takers);
    }
    this.#refuseUnfit(takers);
    rejectAll(takers, contended());
  }

  #planFor(takers: ReadonlySet<Taker>, giveBack: GiveBack): Attempt {
    const nowMs = this.#clock.now();
    const attempt = planAttempt({
      asks: [...takers].map(({ ask }) => ask),
      counters: this.#counters,
      block: this.#block,
      giveBack,
      ownPerSecond: this.#tally.perSecond(nowMs),
      nowMs,
    });
    if (takers.size > 0) this.#isHot = attempt.isHot;
    return attempt;
  }

  #serve(takers: Set<Taker>, { limits, window, ahead, expiryMinute }: Attempt): void {
    this.#refusal = undefined;
    if (takers.size > 0) this.#block.add(window.minute, limits, ahead);
    const slotExpiry = limits.concurrentRequests === undefined ? undefined : expiryMinute;
    for (const taker of takers) {
      const tokens = countedTokens(taker.ask, limits);
      taker.resolve(taken({ limits, minute: window.minute, tokens, slotExpiry, isCounted: true }));
      takers.delete(taker);
    }
  }

  /** Refuses those who do not fit beside those before them. */
  #refuseUnfit(takers: Set<Taker>): void {
    const nowMs = this.#clock.now();
    const limits = strictest([...takers].map(({ ask }) => ask.limits));
    let counters = this.#counters;
    for (const taker of takers) {
      const demand = demandOf([taker.ask], limits);
      const shortage = shortageOf(limits, counters, demand, nowMs);
      if (shortage === undefined) {
        counters = withDemand(counters, demand, windowAt(counters, nowMs));
        continue;
      }
      const waitMs = this.#isHot
        ? HOT_REFUSAL_KEPT_MS
        : Math.min(REFUSAL_KEPT_MS, (shortage.fitsAtMs ?? nowMs) - nowMs);
      this.#refusal = { untilMs: this.#clock.monotonicMs() + waitMs, shortage, ask: taker.ask };
      taker.resolve({ type: 'refused', shortage });
      takers.delete(taker);
    }
  }

  /** Where the store is down: for a while lets through what was left of the limit, and then nobody. */
  #serveUncounted(takers: Set<Taker>, error: GatewayError): void {
    const isOpen =
      this.#answeredAtMs !== undefined && this.#clock.monotonicMs() - this.#answeredAtMs <= OPEN_FOR_MS;
    if (!isOpen) {
      rejectAll(takers, error);
      return;
    }
    this.#refuseUnfit(takers);
    for (const taker of takers) {
      const { limits } = taker.ask;
      const window = windowAt(this.#counters, this.#clock.now());
      this.#counters = withDemand(this.#counters, demandOf([taker.ask], limits), window);
      taker.resolve(
        taken({ limits, minute: window.minute, tokens: 0, slotExpiry: undefined, isCounted: false }),
      );
      takers.delete(taker);
    }
  }

  #fromBlock(ask: RateAsk, nowMs: number): RateHold | undefined {
    const { limits } = ask;
    const { minute } = windowAt(this.#counters, nowMs);
    const tokens = countedTokens(ask, limits);
    const expiryMinute = limits.concurrentRequests === undefined ? undefined : expiryMinuteOf(ask);
    const served = this.#block.serve(minute, { limits, tokens, expiryMinute });
    return served && { limits, minute, tokens, slotExpiry: served.slotExpiry, isCounted: true };
  }

  #rememberedShortage(ask: RateAsk): RateShortage | undefined {
    const refusal = this.#refusal;
    if (refusal === undefined || this.#clock.monotonicMs() >= refusal.untilMs) return undefined;
    const mayFit = refusal.shortage.limit === 'tokensPerMinute' && ask.tokens < refusal.ask.tokens;
    return mayFit || !areSameLimits(ask.limits, refusal.ask.limits) ? undefined : refusal.shortage;
  }

  #keepsSlots({ concurrentRequests }: RateLimits): boolean {
    if (!this.#isHot || concurrentRequests === undefined) return false;
    const used = slotsUsed(this.#counters, windowAt(this.#counters, this.#clock.now()));
    return used <= concurrentRequests * SHARE_WITH_KEPT_SLOTS;
  }

  #isLittered(): boolean {
    return Object.keys(this.#counters).length > MOST_COUNTERS;
  }

  #owe(name: string, amount: number): void {
    if (amount !== 0) this.#owed.set(name, (this.#owed.get(name) ?? 0) + amount);
  }

  /** Idle slots go back with every write, which takes new ones where they are needed. */
  #takeOwed(): GiveBack {
    for (const [expiryMinute, count] of this.#block.takeSlots()) this.#owe(slotsName(expiryMinute), count);
    const owed = this.#owed;
    this.#owed = new Map();
    return owed;
  }
}

const taken = (hold: RateHold): TakeOutcome => ({ type: 'taken', hold });

function rejectAll(takers: Set<Taker>, error: GatewayError): void {
  for (const { reject } of takers) reject(error);
  takers.clear();
}

/** @throws whatever does not say that the store is down */
function storeDown(error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code === 'store_unavailable') return error;
  throw error;
}

const contended = (): GatewayError =>
  new GatewayError(
    'store_unavailable',
    'Too many requests count against one rate limit at once. Try again.',
    { retryAfterSeconds: 1 },
  );
