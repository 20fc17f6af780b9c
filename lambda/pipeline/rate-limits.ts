import { GatewayError } from '../domain/errors.ts';
import { type Scope, scopeName } from '../domain/money/budget.ts';
import type { RateLimits, RateShortage } from '../domain/rates/rate-window.ts';
import { strictest } from '../domain/rates/rate-window.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { RateLimit } from '../domain/scope-settings.ts';
import { countsFor, facetOf } from '../domain/scopes-of-request.ts';
import type { Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { RateGauge, RateHold } from './rate-gauge.ts';
import { type RateReading, readingsOf } from './rate-headers.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** A scope of a request, with the rate limits its settings give it. */
export interface ScopedRates {
  readonly scope: Scope;
  readonly rateLimits: readonly RateLimit[];
}

type Answering = Pick<Deployment, 'id' | 'provider'>;

interface Rates {
  readonly scopes: readonly ScopedRates[];
  /** Which deployment is to answer: limits of other models and providers do not count it. */
  readonly deployment: Answering;
  /** The most tokens the request may use, prompt and completion together. */
  readonly tokens: number;
  /** When its slots are free again even if it never ends (Unix milliseconds): its deadline and a grace. */
  readonly expiresAtMs: number;
}

interface Parts {
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Leave to call, as far as rates go. Exactly one of `settle` and `cancel` has to follow; what comes second does nothing. */
export interface RateTicket {
  readonly readings: readonly RateReading[];
  /**
   * Makes the request also fit the limits of another deployment, which is tried next.
   * @throws as `takeRates`; what is held stays held
   */
  also(deployment: Answering): Promise<void>;
  /** Frees the slots, and replaces the tokens taken by those used; `undefined`: not known, all of them count. */
  settle(tokensUsed: number | undefined): Promise<void>;
  /** As if the request had never been: it was refused for another reason. */
  cancel(): Promise<void>;
}

/** A limit did not hold the request. */
export class RateLimitExceeded extends GatewayError {
  /** For the answer's headers. */
  readonly readings: readonly RateReading[];

  constructor(
    message: string,
    options: ConstructorParameters<typeof GatewayError>[2] & { readonly readings: readonly RateReading[] },
  ) {
    super('rate_limit_exceeded', message, options);
    this.readings = options.readings;
  }
}

/**
 * Counts a request against every rate limit of its scopes that counts what the deployment answers: all of them at once, one
 * write each, or none for a scope of which this process holds a block. Where no scope has limits nothing is written, and
 * nothing waits.
 * @throws RateLimitExceeded `rate_limit_exceeded`, naming the limit that takes longest to hold it
 * @throws GatewayError `store_unavailable`
 */
export async function takeRates(parts: Parts, rates: Rates): Promise<RateTicket> {
  const ticket = new HeldRates(parts, rates);
  await ticket.also(rates.deployment);
  return ticket;
}

/** One scope, or a model or provider of it, with what limits it. */
interface Limited {
  readonly scope: Scope;
  readonly limits: RateLimits;
  readonly gauge: RateGauge;
}
interface Held extends Limited {
  readonly hold: RateHold;
}

class HeldRates implements RateTicket {
  readonly #parts: Parts;
  readonly #rates: Rates;
  readonly #held = new Map<string, Held>();
  #isClosed = false;

  constructor(parts: Parts, rates: Rates) {
    this.#parts = parts;
    this.#rates = { ...rates, tokens: Math.max(0, Math.ceil(rates.tokens)) };
  }

  get readings(): readonly RateReading[] {
    return readingsOfAll([...this.#held.values()], this.#parts.clock.now());
  }

  async also(deployment: Answering): Promise<void> {
    const wanted = limitedBy(this.#rates.scopes, deployment).filter(
      ({ scope }) => !this.#held.has(scopeName(scope)),
    );
    if (wanted.length === 0) return;
    const limited = wanted.map((each) => ({
      ...each,
      gauge: this.#parts.limiter.gauge(scopeName(each.scope)),
    }));
    const { held, refused, failures } = await takeAll(limited, this.#rates);
    if (refused.length > 0 || failures.length > 0) {
      await giveBackAll(held, ({ tokens }) => ({ requests: 1, tokens }));
      throw refused.length > 0 ? exceeded(refused, limited, this.#parts.clock.now()) : failures[0];
    }
    for (const each of held) this.#held.set(scopeName(each.scope), each);
    this.#reportUncounted(held.filter(({ hold }) => !hold.isCounted).length);
  }

  async settle(tokensUsed: number | undefined): Promise<void> {
    await this.#close(({ tokens }) => ({
      requests: 0,
      tokens: tokens === 0 || tokensUsed === undefined ? 0 : tokens - Math.max(0, Math.ceil(tokensUsed)),
    }));
  }

  async cancel(): Promise<void> {
    await this.#close(({ tokens }) => ({ requests: 1, tokens }));
  }

  async #close(
    unused: (hold: RateHold) => { readonly requests: number; readonly tokens: number },
  ): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await giveBackAll([...this.#held.values()], unused);
  }

  #reportUncounted(count: number): void {
    if (count === 0) return;
    this.#parts.telemetry.measure({ name: 'RateLimitsUnenforced', value: count });
    this.#parts.telemetry.problem(
      'The store did not answer: a request was let through without being counted against a rate limit.',
    );
  }
}

interface Taken {
  readonly held: readonly Held[];
  readonly refused: readonly Refused[];
  readonly failures: readonly unknown[];
}

/** Asks all gauges at once, and waits for each. */
async function takeAll(limited: readonly Limited[], rates: Rates): Promise<Taken> {
  const answers = await Promise.allSettled(
    limited.map(async (each) => ({
      each,
      outcome: await each.gauge.take({ ...rates, limits: each.limits }),
    })),
  );
  const answered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  return {
    held: answered.flatMap(({ each, outcome }) =>
      outcome.type === 'taken' ? [{ ...each, hold: outcome.hold }] : [],
    ),
    refused: answered.flatMap(({ each, outcome }) =>
      outcome.type === 'refused' ? [{ ...each, shortage: outcome.shortage }] : [],
    ),
    failures: answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : [])),
  };
}

const giveBackAll = (
  held: readonly Held[],
  unused: (hold: RateHold) => { readonly requests: number; readonly tokens: number },
): Promise<unknown> => Promise.all(held.map(({ gauge, hold }) => gauge.giveBack(hold, unused(hold))));

/** The limits that count what a deployment answers, one entry for each scope and facet that has any. */
function limitedBy(scopes: readonly ScopedRates[], deployment: Answering): readonly Omit<Limited, 'gauge'>[] {
  return scopes.flatMap(({ scope, rateLimits }) => {
    const counting = rateLimits.filter((limit) => countsFor(limit, deployment));
    const facets = new Set(counting.map(facetOf));
    return [...facets].map((facet) => ({
      scope: { ...scope, ...(facet !== undefined && { facet }) },
      limits: strictest(counting.filter((limit) => facetOf(limit) === facet)),
    }));
  });
}

const readingsOfAll = (limited: readonly Limited[], nowMs: number): readonly RateReading[] =>
  limited.flatMap(({ scope, limits, gauge }) =>
    readingsOf(scope, limits, { counters: gauge.counters, nowMs }),
  );

interface Refused extends Limited {
  readonly shortage: RateShortage;
}

const LIMIT_TEXT: Readonly<Record<keyof RateLimits, { readonly name: string; readonly text: string }>> = {
  requestsPerMinute: { name: 'requests_per_minute', text: 'requests per minute' },
  tokensPerMinute: { name: 'tokens_per_minute', text: 'tokens per minute' },
  concurrentRequests: { name: 'concurrent_requests', text: 'concurrent requests' },
};

function exceeded(
  refused: readonly Refused[],
  limited: readonly Limited[],
  nowMs: number,
): RateLimitExceeded {
  const [first, ...others] = refused;
  if (first === undefined) throw new Error('Nothing was refused.');
  const fitsAt = ({ shortage }: Refused): number => shortage.fitsAtMs ?? Number.POSITIVE_INFINITY;
  const { scope, shortage } = others.reduce(
    (worst, each) => (fitsAt(each) > fitsAt(worst) ? each : worst),
    first,
  );
  const { name, text } = LIMIT_TEXT[shortage.limit];
  const retryAfterSeconds =
    shortage.fitsAtMs === undefined ? undefined : Math.max(1, Math.ceil((shortage.fitsAtMs - nowMs) / 1000));
  const counted = scope.facet === undefined ? '' : ` (${scope.facet})`;
  const advice =
    retryAfterSeconds === undefined
      ? 'It never fits: ask for fewer tokens, or have the limit raised.'
      : `Try again in ${retryAfterSeconds} s.`;
  return new RateLimitExceeded(
    `This ${scope.kind}${counted} may have ${shortage.allowed} ${text}, and ${shortage.used} are used: this request does not fit. ${advice}`,
    {
      metadata: {
        scope: scope.kind,
        scope_id: scope.id,
        ...(scope.facet !== undefined && { counts: scope.facet }),
        limit_type: name,
        limit: shortage.allowed,
        used: shortage.used,
        fits_at: shortage.fitsAtMs === undefined ? null : new Date(shortage.fitsAtMs).toISOString(),
      },
      readings: readingsOfAll(limited, nowMs),
      ...(retryAfterSeconds === undefined ? { retryable: false } : { retryAfterSeconds }),
    },
  );
}
