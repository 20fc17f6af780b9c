import { areSameLimits, type RateDemand, type RateLimits } from '../domain/rates/rate-window.ts';

/** One request, as a scope's limits see it. */
export interface CountedRequest {
  readonly limits: RateLimits;
  /** 0 where tokens are not limited. */
  readonly tokens: number;
  /** The Unix minute at whose beginning its slot may be taken away; `undefined` where it needs none. */
  readonly expiryMinute: number | undefined;
}

const NOTHING = { minute: -1, requests: 0, tokens: 0 } as const;

/**
 * What this process has taken of a scope ahead of need: requests and tokens of one minute, and slots whose requests have
 * ended. The store has counted all of it, so serving from it exceeds nothing, and losing it only makes a limit stricter.
 */
export class RateBlock {
  #limits: RateLimits = {};
  #held: { readonly minute: number; readonly requests: number; readonly tokens: number } = NOTHING;
  /** How many, by the minute in which they lapse. */
  readonly #slots = new Map<number, number>();

  /** What is left of a minute's block; another minute's is worth nothing. */
  leftOf(minute: number, limits: RateLimits): { readonly requests: number; readonly tokens: number } {
    return this.#held.minute === minute && areSameLimits(this.#limits, limits) ? this.#held : NOTHING;
  }

  add(minute: number, limits: RateLimits, { requests, tokens }: RateDemand): void {
    const left = this.leftOf(minute, limits);
    this.#limits = limits;
    this.#held = { minute, requests: left.requests + requests, tokens: left.tokens + tokens };
  }

  /** Serves a request, if all it needs is here; answers when its slot lapses, where it needs one. */
  serve(minute: number, request: CountedRequest): { readonly slotExpiry: number | undefined } | undefined {
    const left = this.leftOf(minute, request.limits);
    if (left.requests < 1 || left.tokens < request.tokens) return undefined;
    const slotExpiry = this.#slotUntil(request.expiryMinute);
    if (request.expiryMinute !== undefined && slotExpiry === undefined) return undefined;
    this.#held = { minute, requests: left.requests - 1, tokens: left.tokens - request.tokens };
    if (slotExpiry !== undefined) this.#addSlots(slotExpiry, -1);
    return { slotExpiry };
  }

  keepSlot(expiryMinute: number): void {
    this.#addSlots(expiryMinute, 1);
  }

  /** Takes all idle slots out: how many, by the minute in which they lapse. */
  takeSlots(): ReadonlyMap<number, number> {
    const taken = new Map(this.#slots);
    this.#slots.clear();
    return taken;
  }

  #slotUntil(neededUntil: number | undefined): number | undefined {
    if (neededUntil === undefined) return undefined;
    return [...this.#slots.keys()].find((expiryMinute) => expiryMinute >= neededUntil);
  }

  #addSlots(expiryMinute: number, amount: number): void {
    const count = (this.#slots.get(expiryMinute) ?? 0) + amount;
    if (count === 0) this.#slots.delete(expiryMinute);
    else this.#slots.set(expiryMinute, count);
  }
}
