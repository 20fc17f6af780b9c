export interface PurseParameters {
  /** A purse is folded after so long, or after so long for each block of purses with money of its scope, if that is longer. */
  readonly foldAfterMs: number;
  readonly foldAfterMsPerBlock: number;
  /** So many neighbouring purses of a key are filled and folded together. */
  readonly block: number;
  /** So many open requests are a crowd. */
  readonly places: number;
  /** A key gets twice as many purses when one request has met so many crowds. */
  readonly crowdsToWiden: number;
  /** The most a purse takes of what is left, divided by the number of purses. */
  readonly targetShare: number;
  /** While no scope of a chain has moved for so long, its purses get what a request needs, and are folded with it. */
  readonly hotForMs: number;
  /** A fold leaves what the next period will need, instead of nothing. */
  readonly refills: boolean;
  /** So many purses are folded by one transaction of upkeep, or when money is short. */
  readonly foldsAtOnce: number;
  /** Purses are folded for want of money at most this often. */
  readonly reclaimEveryMs: number;
}

export const DEFAULT_PURSES: PurseParameters = {
  foldAfterMs: 60_000,
  foldAfterMsPerBlock: 100,
  block: 16,
  places: 8,
  crowdsToWiden: 4,
  targetShare: 0.25,
  hotForMs: 30_000,
  refills: true,
  foldsAtOnce: 12,
  reclaimEveryMs: 1_000,
};
