import { perSecond } from '../domain/rates/rate-change.ts';
import { windowAt } from '../domain/rates/rate-window.ts';

/** How many requests of a scope this process alone meets. */
export class RateTally {
  #counts = { minute: 0, current: 0, previous: 0 };

  add(nowMs: number): void {
    const { minute } = windowAt({}, nowMs);
    const { minute: before, current, previous } = this.#counts;
    this.#counts =
      minute === before
        ? { minute, current: current + 1, previous }
        : { minute, current: 1, previous: minute === before + 1 ? current : 0 };
  }

  perSecond(nowMs: number): number {
    return perSecond(this.#counts.previous, this.#counts.current, windowAt({}, nowMs));
  }
}
