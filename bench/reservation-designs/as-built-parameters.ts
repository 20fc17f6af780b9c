/** What the ledger's constants and conditions are, or could be. */
export interface AsBuiltParameters {
  /** So many open requests are a crowd. */
  readonly places: number;
  /** All purses together take this share of what a scope has left, and each at most so many estimates. */
  readonly share: number;
  readonly requestsAhead: number;
  /** A scope whose counters this process has never seen limits a lease by itself alone, instead of making it exact. */
  readonly trustsUnknown: boolean;
  /** A scope is thought to be shared by at least as many purses as the key has. */
  readonly countsShards: boolean;
  /** What a fold leaves of the room, where requests stand in the purse. */
  readonly keeps: number;
  /** A purse that this process never saw is tried as it is even where the key is known to have but one. */
  readonly triesFirst: boolean;
  /** A lease that meets contention is given up, and another purse is drawn. */
  readonly drawsAgain: boolean;
  /** A fold that meets contention is left to the next request that leaves the purse. */
  readonly foldsOnce: boolean;
  /** Whoever meets a crowd reads the key again, and doubles only where nobody else has. */
  readonly readsBeforeDoubling: boolean;
  /** One request meets so many crowds before it doubles. */
  readonly crowdsToWiden: number;
  /** Whoever meets a crowd where there are as many purses as may be draws again, instead of giving up. */
  readonly drawsAtMost: boolean;
  /** After contention the scopes are read, and what has no room is refused. */
  readonly looksAgain: boolean;
  /** A refusal makes so many of the key's other purses give back what they have. */
  readonly reclaims: number;
  /** A fold makes upkeep look at the purse when the first of its reservations expires, if that is sooner. */
  readonly looksAtExpired: boolean;
}

export const AS_BUILT: AsBuiltParameters = {
  places: 6,
  share: 0.1,
  requestsAhead: 16,
  trustsUnknown: false,
  countsShards: false,
  keeps: 0,
  triesFirst: false,
  drawsAgain: false,
  foldsOnce: false,
  readsBeforeDoubling: false,
  crowdsToWiden: 1,
  drawsAtMost: false,
  looksAgain: false,
  reclaims: Number.POSITIVE_INFINITY,
  looksAtExpired: false,
};
