import type { KeptAnswer } from '../domain/kept-answer.ts';
import type { Claim } from '../ports/claim-store.ts';
import type { CacheUse } from './cache-use.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { CLAIM_GRACE_MS } from './receipt.ts';
import { attemptQuietly, type Replay } from './reuse.ts';

/** An answer under way that others wait for. */
export interface Flight {
  readonly claim: Claim;
  /** Tells those who wait in this process. `undefined`: there is no answer for them, and each goes on alone. */
  land(answer: KeptAnswer | undefined): void;
}

/** Flights of this process. */
export interface FlightBoard {
  /** The answer of the flight of this name; `undefined` where there is no such flight. */
  find(name: string): Promise<KeptAnswer | undefined> | undefined;
  /** @returns lands it */
  open(name: string): Flight['land'];
}

export function flightBoard(): FlightBoard {
  const flights = new Map<string, Promise<KeptAnswer | undefined>>();
  return {
    find: (name) => flights.get(name),
    open(name) {
      const { promise, resolve } = Promise.withResolvers<KeptAnswer | undefined>();
      flights.set(name, promise);
      return (answer) => {
        if (flights.get(name) === promise) flights.delete(name);
        resolve(answer);
      };
    },
  };
}

/** Nobody waits longer than this for somebody else's answer, and nobody longer than half the time that is left. */
const LONGEST_WAIT_MS = 60_000;
const PAUSE_MS = 100;

/**
 * The answer to the same request that came a little earlier, in this process or another; `undefined` where there is none to wait for, or
 * it came to nothing: then this request goes on, perhaps as the one that others wait for.
 */
export async function madeMeanwhile(gateway: Gateway, exchange: Exchange): Promise<Replay | undefined> {
  const { cache, isMiss } = exchange.reuse;
  if (cache?.singleFlight !== true || !cache.keeps || isMiss !== true) return undefined;
  const untilMs = waitUntilMs(gateway, exchange);
  const name = `${cache.address.scope}\n${cache.address.fingerprint}`;
  const ahead = gateway.flights.find(name);
  if (ahead !== undefined) return asReplay(await within(gateway, exchange, ahead, untilMs));
  const claim = flightClaim(exchange, cache);
  const land = gateway.flights.open(name);
  exchange.reuse = { ...exchange.reuse, flight: { claim, land } };
  let answer: KeptAnswer | undefined;
  await attemptQuietly(gateway, exchange, 'A request could not wait for the same one.', async () => {
    answer = await madeElsewhere(gateway, exchange, { cache, claim, untilMs });
  });
  if (answer !== undefined) land(answer);
  return asReplay(answer);
}

const asReplay = (answer: KeptAnswer | undefined): Replay | undefined =>
  answer === undefined ? undefined : { how: 'single-flight', answer };

function waitUntilMs({ clock }: Gateway, { deadlineMs }: Exchange): number {
  const nowMs = clock.now();
  return Math.min(nowMs + LONGEST_WAIT_MS, (nowMs + deadlineMs) / 2);
}

/** Waits for another request of this process. */
async function within(
  { clock }: Gateway,
  exchange: Exchange,
  ahead: Promise<KeptAnswer | undefined>,
  untilMs: number,
): Promise<KeptAnswer | undefined> {
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, exchange.signal]);
  try {
    return await Promise.race([ahead, clock.sleep(untilMs - clock.now(), signal).then(() => undefined)]);
  } finally {
    enough.abort();
  }
}

/** Takes the lead of all processes, or waits for the one that has it. */
async function madeElsewhere(
  { answers, claims, clock }: Gateway,
  exchange: Exchange,
  { cache, claim, untilMs }: { readonly cache: CacheUse; readonly claim: Claim; readonly untilMs: number },
): Promise<KeptAnswer | undefined> {
  let state: string = await claims.take(claim, exchange.deadlineMs + CLAIM_GRACE_MS);
  while (state === 'running' && clock.now() < untilMs && !exchange.signal.aborted) {
    await clock.sleep(PAUSE_MS, exchange.signal);
    state = await claims.look(claim);
  }
  // Whoever had the lead kept the answer before giving it up: also where it was given up between our look-up and our taking it.
  return state === 'running' ? undefined : answers.get(cache.address);
}

const flightClaim = ({ facts }: Exchange, { address }: CacheUse): Claim => ({
  scope: JSON.stringify(['single-flight', address.scope]),
  name: address.fingerprint,
  fingerprint: '',
  owner: facts.id,
});
