import { systemClock } from '../adapters/system-clock/system-clock.ts';
import type { VectorIndex, VectorUpkeep } from '../ports/vector-index.ts';
import type { Environment } from './deployed-store.ts';

/** The index that `SLUICE_VECTOR_INDEX_ARN` names by its ARN; `undefined` where there is none. Its code is loaded when it is first used. */
export function deployedVectorIndex(environment: Environment): VectorIndex | undefined {
  const indexArn = environment['SLUICE_VECTOR_INDEX_ARN'];
  if (indexArn === undefined) return undefined;
  let loaded: Promise<VectorIndex> | undefined;
  const load = (): Promise<VectorIndex> => {
    loaded ??= import('../adapters/s3-vectors/vector-index.ts').then((module) =>
      module.s3VectorIndex({ indexArn }),
    );
    return loaded;
  };
  return {
    put: async (entry) => (await load()).put(entry),
    nearest: async (query) => (await load()).nearest(query),
  };
}

/** What upkeep does with that index. */
export function deployedVectorUpkeep(environment: Environment): VectorUpkeep | undefined {
  const indexArn = environment['SLUICE_VECTOR_INDEX_ARN'];
  if (indexArn === undefined) return undefined;
  return {
    async removeExpired(nowMs, deadlineMs) {
      const module = await import('../adapters/s3-vectors/vector-index.ts');
      return module.s3VectorUpkeep({ indexArn, clock: systemClock }).removeExpired(nowMs, deadlineMs);
    },
  };
}
