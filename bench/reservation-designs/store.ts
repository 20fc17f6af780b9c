import type { Kernel, Process } from './kernel.ts';

/** What is assumed of DynamoDB. Times are virtual milliseconds. */
export interface StoreParameters {
  /** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html */
  readonly writeUnitsPerSecond: number;
  /** How many seconds of unused capacity an item may spend at once (DynamoDB: up to 300, not promised). */
  readonly burstSeconds: number;
  /** One way through the network, at least; half as much again, on average, comes on top. */
  readonly travelMs: number;
  /** How long a transaction keeps others from its items. No source: assumed, and varied. */
  readonly transactionMs: number;
  /** Share of the writes whose answer never comes. */
  readonly lostAnswers: number;
}

export const DEFAULT_STORE: StoreParameters = {
  writeUnitsPerSecond: 1_000,
  burstSeconds: 1,
  travelMs: 1.5,
  transactionMs: 10,
  lostAnswers: 0.001,
};

/** As `lambda/adapters/dynamodb/store.ts` does it. */
const RETRY_FOR_MS = 1_500;
const LEAST_ATTEMPTS = { contended: 4, lost: 2 } as const;
const FIRST_BACKOFF_MS = 10;
const LONGEST_BACKOFF_MS = 200;
const ATTEMPT_TIMEOUT_MS = 2_000;

/** The name of items that belong to one request alone, and so are never hot. */
export const RECORD = 'record';

/** One item, on a partition of its own (as splitting for heat leaves a hot one). */
export class StoreItem {
  readonly name: string;
  units = 0;
  lockedUntilMs = 0;
  tokens = Number.POSITIVE_INFINITY;
  tokensAtMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** One write to one item. The functions are carried out where the item lives, at that moment. */
export interface Write {
  readonly item: StoreItem;
  /** Write units of a plain write, 1 per KB and index; a transaction takes them twice. */
  readonly units?: number;
  /** An earlier attempt, whose answer was lost, is found to have been carried out. */
  readonly isDone?: () => boolean;
  readonly condition?: () => boolean;
  readonly apply?: () => void;
}

export type WriteResult = 'done' | 'condition-failed' | 'unavailable';
type AttemptResult = 'done' | 'condition-failed' | 'contended' | 'lost';

/** Everything that is counted while `isCounting`. */
export interface Counts {
  writeUnits: number;
  readUnits: number;
  conflicts: number;
  throttles: number;
  retries: number;
}

/** DynamoDB as the designs meet it: units, throttling, conflicts and lost answers, behind the gateway's retry loop. */
export class Store {
  readonly counts: Counts = { writeUnits: 0, readUnits: 0, conflicts: 0, throttles: 0, retries: 0 };
  readonly items = new Set<StoreItem>();
  private readonly kernel: Kernel;
  private readonly random: () => number;
  private readonly parameters: StoreParameters;

  constructor(kernel: Kernel, random: () => number, parameters: StoreParameters) {
    this.kernel = kernel;
    this.random = random;
    this.parameters = parameters;
  }

  /** A plain write: waits behind others, conflicts only with a transaction under way. */
  update(write: Write): Process<WriteResult> {
    return this.withRetries(() => this.attempt([write], false));
  }

  /** All writes or none. If one of them was done by an earlier attempt, all were. */
  transact(writes: readonly Write[]): Process<WriteResult> {
    return this.withRetries(() => this.attempt(writes, true));
  }

  /** One try: who meets contention has something better to do than to try the same again. */
  *transactOnce(writes: readonly Write[]): Process<WriteResult | 'contended'> {
    const result = yield* this.attempt(writes, true);
    return result === 'lost' ? yield* this.transact(writes) : result;
  }

  /** Items read with strong consistency, one unit each. */
  *read(items: number): Process {
    this.counts.readUnits += items;
    yield this.travelMs() + this.travelMs();
  }

  startCounting(): void {
    Object.assign(this.counts, { writeUnits: 0, readUnits: 0, conflicts: 0, throttles: 0, retries: 0 });
    for (const item of this.items) item.units = 0;
  }

  private *withRetries(attempt: () => Process<AttemptResult>): Process<WriteResult> {
    const startedAtMs = this.kernel.nowMs;
    for (let attempts = 1; ; attempts++) {
      const result = yield* attempt();
      if (result === 'done' || result === 'condition-failed') return result;
      if (this.kernel.nowMs - startedAtMs > RETRY_FOR_MS && attempts >= LEAST_ATTEMPTS[result])
        return 'unavailable';
      this.counts.retries++;
      yield this.random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempts);
    }
  }

  private *attempt(writes: readonly Write[], isTransaction: boolean): Process<AttemptResult> {
    yield this.travelMs();
    const result = this.carryOut(writes, isTransaction);
    if (isTransaction && result !== 'contended') yield this.parameters.transactionMs;
    if (result !== 'contended' && this.random() < this.parameters.lostAnswers) {
      yield ATTEMPT_TIMEOUT_MS;
      return 'lost';
    }
    yield this.travelMs();
    return result;
  }

  /**
   * A cancelled write takes its units all the same: documented for failed conditions, assumed for conflicts.
   * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
   */
  private carryOut(writes: readonly Write[], isTransaction: boolean): Exclude<AttemptResult, 'lost'> {
    const factor = isTransaction ? 2 : 1;
    if (!writes.every((write) => this.hasTokens(write.item, factor * (write.units ?? 1)))) {
      this.counts.throttles++;
      return 'contended';
    }
    for (const write of writes) this.takeTokens(write.item, factor * (write.units ?? 1));
    const { nowMs } = this.kernel;
    if (writes.some(({ item }) => item.lockedUntilMs > nowMs)) {
      this.counts.conflicts++;
      return 'contended';
    }
    if (isTransaction)
      for (const { item } of writes) item.lockedUntilMs = nowMs + this.parameters.transactionMs;
    if (writes.some(({ isDone }) => isDone?.() === true)) return 'done';
    if (writes.some(({ condition }) => condition?.() === false)) return 'condition-failed';
    for (const { apply } of writes) apply?.();
    return 'done';
  }

  private hasTokens(item: StoreItem, units: number): boolean {
    const { writeUnitsPerSecond, burstSeconds } = this.parameters;
    const { nowMs } = this.kernel;
    const refill = ((nowMs - item.tokensAtMs) / 1_000) * writeUnitsPerSecond;
    item.tokens = Math.min(writeUnitsPerSecond * burstSeconds, item.tokens + refill);
    item.tokensAtMs = nowMs;
    return item.tokens >= units;
  }

  private takeTokens(item: StoreItem, units: number): void {
    item.tokens -= units;
    item.units += units;
    this.counts.writeUnits += units;
    if (item.name !== RECORD) this.items.add(item);
  }

  /** Assumed: a plain write takes 4.5 ms on average, 99 % less than 10 ms. */
  private travelMs(): number {
    return this.parameters.travelMs * (1 - 0.5 * Math.log(1 - this.random()));
  }
}
