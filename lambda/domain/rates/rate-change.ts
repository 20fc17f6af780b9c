import {
  COUNTED,
  type Counted,
  counterOf,
  countName,
  lapsedSlots,
  limitName,
  NO_DEMAND,
  partsOfName,
  RATE_WINDOW_MS,
  type RateCounters,
  type RateDemand,
  type RateLimits,
  type RateWindow,
  SLOTS,
  shareOf,
  slotsName,
  usedAt,
} from './rate-window.ts';

/** What is added to one counter, and what must be true of it before. A counter that is not there is 0. */
export interface CounterChange {
  readonly add: number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One write of a scope's counters: all of it or nothing. It fails where anything was counted in a later minute. */
export interface RateChange {
  readonly minute: number;
  readonly changes: ReadonlyMap<string, CounterChange>;
  /** Counters that go: `undefined`, whatever they hold; else only if they hold just that, or the write fails. */
  readonly removals: ReadonlyMap<string, number | undefined>;
}

/** Amounts to be given back, by counter name; less than 0 where more was used than taken. */
export type GiveBack = ReadonlyMap<string, number>;

interface Plan {
  readonly limits: RateLimits;
  /** As last seen; the store may hold something else by now. */
  readonly counters: RateCounters;
  readonly window: RateWindow;
  readonly demand: RateDemand;
  /** When the demanded slots lapse. */
  readonly expiryMinute: number;
  readonly giveBack: GiveBack;
}

/** Names of lapsed counters that one write removes, so that an expression stays small. */
const MOST_REMOVALS = 40;

/**
 * The write that takes a demand and gives back what is owed. Whatever the store really holds, it goes through only where the
 * demand fits: the share of the previous minute is computed from an assumed count, and the write demands that the true one
 * is no larger. Give-backs of minutes that no longer count, and of slots that have lapsed, are left out.
 */
export function planChange(plan: Plan): RateChange {
  const changes = new Map<string, CounterChange>();
  const slotsBack = addGiveBacks(plan, changes);
  for (const counted of COUNTED) addDemand(plan, counted, changes);
  const removals = lapsedCounts(plan);
  let slots = -slotsBack;
  for (const [minute, count] of lapsedSlots(plan.counters, plan.window)) {
    removals.set(slotsName(minute), count);
    slots -= count;
  }
  const { concurrentRequests } = plan.limits;
  if (concurrentRequests !== undefined && plan.demand.slots > 0) {
    slots += plan.demand.slots;
    join(changes, slotsName(plan.expiryMinute), { add: plan.demand.slots });
    join(changes, SLOTS, { add: slots, atMost: concurrentRequests - slots });
  } else if (slots !== 0) join(changes, SLOTS, { add: slots });
  return { minute: plan.window.minute, changes, removals };
}

/** @returns how many slots are given back */
function addGiveBacks({ giveBack, counters, window }: Plan, changes: Map<string, CounterChange>): number {
  let slots = 0;
  for (const [name, amount] of giveBack) {
    const { kind, minute = 0 } = partsOfName(name);
    const counts = kind === SLOTS ? minute > window.minute : minute >= window.minute - 1;
    const back = Math.min(amount, counterOf(counters, name));
    if (!counts || back === 0) continue;
    join(changes, name, { add: -back, ...(back > 0 && { atLeast: back }) });
    if (kind === SLOTS) slots += back;
  }
  return slots;
}

/** Requests are counted also where they are not limited: that is how a hot scope is known. */
function addDemand(plan: Plan, counted: Counted, changes: Map<string, CounterChange>): void {
  const { window, limits, demand } = plan;
  const amount = demand[counted];
  const limit = limits[limitName[counted]];
  if (amount === 0 || (limit === undefined && counted === 'tokens')) return;
  const name = countName(counted, window.minute);
  if (limit === undefined) {
    join(changes, name, { add: amount });
    return;
  }
  const add = amount + (changes.get(name)?.add ?? 0);
  const previous = assumedPrevious(plan, counted, limit - add);
  join(changes, countName(counted, window.minute - 1), { add: 0, atMost: previous });
  join(changes, name, { add: amount, atMost: limit - shareOf(previous, window) - add });
}

/**
 * What the previous minute's count is taken to be at most. Known, once anything was counted in this minute; until then others
 * may have added to it, and it is given half of the room that seems to be left, so that a first write goes through wherever
 * the scope is well below its limit.
 */
function assumedPrevious({ counters, window }: Plan, counted: Counted, room: number): number {
  const known = counterOf(counters, countName(counted, window.minute - 1));
  if (counterOf(counters, 'minute') >= window.minute) return known;
  return known + Math.max(0, Math.floor((room - shareOf(known, window)) / 2));
}

function join(changes: Map<string, CounterChange>, name: string, change: CounterChange): void {
  const earlier = changes.get(name);
  changes.set(name, { ...earlier, ...change, add: (earlier?.add ?? 0) + change.add });
}

/** Counts of minutes that no longer matter: those seen, and those that were current when the previous minute began. */
function lapsedCounts({ counters, window }: Plan): Map<string, number | undefined> {
  const seen = Object.keys(counters).filter((name) => {
    const { kind, minute = window.minute } = partsOfName(name);
    return kind !== SLOTS && minute < window.minute - 1;
  });
  const latest = COUNTED.map((counted) => countName(counted, window.minute - 2));
  return new Map([...new Set([...latest, ...seen])].slice(0, MOST_REMOVALS).map((name) => [name, undefined]));
}

/**
 * Writes a scope's item should take in a second, from all processes together: a tenth of what a partition takes.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
const WRITES_PER_SECOND = 100;
/** A process looks no further ahead: what it holds unused is lost to others. */
const AHEAD_SECONDS = 10;
/** The largest part of what is left that a process may take ahead of need. */
const SHARE_OF_REST = 1 / 64;
/** A part of a limit so small that it may be taken ahead however little is left: at a high limit one by one is too many writes. */
const NEGLIGIBLE_SHARE = 1 / 5000;

/** A count per second, from this minute's and the previous one's counts; the larger of the two. */
export const perSecond = (previous: number, current: number, { elapsedMs }: RateWindow): number =>
  Math.max((previous * 1000) / RATE_WINDOW_MS, (current * 1000) / Math.max(1000, elapsedMs));

/** Whether a scope meets so many requests that a write for each is too much for its item. */
export const isHotAt = (counters: RateCounters, window: RateWindow): boolean =>
  requestsPerSecond(counters, window) >= 2 * WRITES_PER_SECOND;

const requestsPerSecond = (counters: RateCounters, window: RateWindow): number =>
  perSecond(
    counterOf(counters, countName('requests', window.minute - 1)),
    counterOf(counters, countName('requests', window.minute)),
    window,
  );

/**
 * What a process takes ahead, beside what it is asked for: enough for the scope's writes to stay few, no more than it will
 * soon need itself, and little of what is left. Nothing where the scope is not hot.
 */
export function blockAhead(
  plan: Pick<Plan, 'limits' | 'counters' | 'window' | 'demand'>,
  ownPerSecond: number,
): RateDemand {
  const { counters, window, demand } = plan;
  const secondsAhead = Math.min(AHEAD_SECONDS, (RATE_WINDOW_MS - window.elapsedMs) / 1000);
  const size =
    Math.min(
      Math.floor(requestsPerSecond(counters, window) / WRITES_PER_SECOND),
      Math.ceil(ownPerSecond * secondsAhead),
    ) - 1;
  if (size < 1 || demand.requests === 0) return NO_DEMAND;
  const tokensEach = Math.ceil(demand.tokens / demand.requests);
  return {
    requests: Math.min(size, aheadAtMost(plan, 'requests')),
    tokens: Math.min(size * tokensEach, aheadAtMost(plan, 'tokens')),
    slots: 0,
  };
}

function aheadAtMost(
  { limits, counters, window, demand }: Pick<Plan, 'limits' | 'counters' | 'window' | 'demand'>,
  counted: Counted,
): number {
  const limit = limits[limitName[counted]];
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const left = Math.max(0, limit - usedAt(counters, counted, window) - demand[counted]);
  return Math.floor(Math.min(left, Math.max(left * SHARE_OF_REST, limit * NEGLIGIBLE_SHARE)));
}
