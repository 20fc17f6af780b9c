/** The vector of a last user turn whose answer is kept. Nothing in it names or quotes the turn. */
export interface VectorEntry {
  /** Names the kept answer, in at most 1,024 bytes; putting the same id again replaces what was there. */
  readonly id: string;
  /** What vectors are compared within: one tenant, and requests that differ in nothing but their last turn. Opaque. */
  readonly partition: string;
  /** Not all zeros. */
  readonly vector: readonly number[];
  /** From then on it is not found any more. */
  readonly expiresAtMs: number;
}

export interface VectorQuery {
  readonly partition: string;
  readonly vector: readonly number[];
  readonly nowMs: number;
  /** Aborting gives up. */
  readonly signal: AbortSignal;
}

export interface NearestVector {
  readonly id: string;
  /** Cosine of the angle between both vectors: 1 for the same direction. */
  readonly similarity: number;
}

/** Finds what was said before in nearly the same words. All numbers of one index have the same dimension. */
export interface VectorIndex {
  put(entry: VectorEntry): Promise<void>;
  /** The nearest vector of a partition, however far it is; `undefined` where the partition has none that lives. */
  nearest(query: VectorQuery): Promise<NearestVector | undefined>;
}

/** What upkeep does where the index itself never deletes. */
export interface VectorUpkeep {
  /** Deletes expired vectors until the deadline; some may be left for a later run. @returns how many it deleted */
  removeExpired(nowMs: number, deadlineMs: number): Promise<number>;
}
