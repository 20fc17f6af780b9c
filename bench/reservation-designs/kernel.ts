/** What a process waits for: so many virtual milliseconds, or somebody who calls the given function. */
export type Pause = number | ((resume: () => void) => void);

/** A piece of work in virtual time. `yield* other()` does another's work, `yield 5` lets 5 ms pass. */
export type Process<Result = void> = Generator<Pause, Result, void>;

/** Whoever owns a process: once dead, its processes never go on. */
export interface Owner {
  isDead: boolean;
}

interface Running {
  readonly process: Process;
  readonly owner: Owner | undefined;
}

/**
 * Virtual time: a queue of processes by the moment at which each goes on. What falls on one moment goes on in the order in
 * which it was queued, so a run is the same each time.
 */
export class Kernel {
  nowMs = 0;
  private readonly atMs: number[] = [];
  private readonly order: number[] = [];
  private readonly waiting: Running[] = [];
  private queued = 0;
  private current: Running | undefined;

  /** Begins a process. It belongs to `owner`, or to whoever owns the one that begins it. */
  start(process: Process, owner: Owner | undefined = this.current?.owner): void {
    this.push(this.nowMs, { process, owner });
  }

  /** Goes on until nothing waits, or until the given moment. */
  run(untilMs = Number.POSITIVE_INFINITY): void {
    for (let next = this.atMs[0]; next !== undefined && next <= untilMs; next = this.atMs[0]) {
      const running = this.pop();
      if (running === undefined) return;
      this.nowMs = next;
      if (running.owner?.isDead !== true) this.step(running);
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.nowMs = untilMs;
  }

  /** Does all of it at once, and waits for the last. */
  *together<Result>(processes: readonly Process<Result>[]): Process<readonly Result[]> {
    const results: Result[] = [];
    let left = processes.length;
    let wake: (() => void) | undefined;
    function* one(process: Process<Result>, index: number): Process {
      results[index] = yield* process;
      left--;
      if (left === 0) wake?.();
    }
    for (const [index, process] of processes.entries()) this.start(one(process, index));
    if (left > 0)
      yield (resume) => {
        wake = resume;
      };
    return results;
  }

  private step(running: Running): void {
    this.current = running;
    const { done, value } = running.process.next();
    this.current = undefined;
    if (done === true) return;
    if (typeof value === 'number') this.push(this.nowMs + value, running);
    else value(() => this.push(this.nowMs, running));
  }

  /** The queue is a binary heap in three arrays side by side: there are millions of entries. */
  private push(atMs: number, running: Running): void {
    let index = this.atMs.length;
    this.queued++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((this.atMs[parent] ?? 0) <= atMs) break;
      this.copy(parent, index);
      index = parent;
    }
    this.set(index, atMs, this.queued, running);
  }

  private pop(): Running | undefined {
    const first = this.waiting[0];
    const atMs = this.atMs.pop();
    const order = this.order.pop();
    const last = this.waiting.pop();
    if (atMs === undefined || order === undefined || last === undefined || this.atMs.length === 0)
      return first;
    let index = 0;
    for (let child = 1; child < this.atMs.length; child = 2 * index + 1) {
      if (child + 1 < this.atMs.length && this.isBefore(child + 1, this.atMs[child], this.order[child]))
        child++;
      if (!this.isBefore(child, atMs, order)) break;
      this.copy(child, index);
      index = child;
    }
    this.set(index, atMs, order, last);
    return first;
  }

  private isBefore(index: number, atMs = 0, order = 0): boolean {
    const otherMs = this.atMs[index] ?? 0;
    return otherMs < atMs || (otherMs === atMs && (this.order[index] ?? 0) < order);
  }

  private copy(from: number, to: number): void {
    const running = this.waiting[from];
    if (running !== undefined) this.set(to, this.atMs[from] ?? 0, this.order[from] ?? 0, running);
  }

  private set(index: number, atMs: number, order: number, running: Running): void {
    this.atMs[index] = atMs;
    this.order[index] = order;
    this.waiting[index] = running;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
