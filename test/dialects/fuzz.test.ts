import { describe, expect, test } from '@jest/globals';
import { fuzzBodies } from '../../scripts/fuzz/fuzz-bodies.ts';
import { fuzzStreams } from '../../scripts/fuzz/fuzz-streams.ts';

/** A tenth of what `scripts/fuzz-dialects.ts` does by default; each stream for one or two callers, not all six. */
const STREAMS = 10_000;
const BODIES = 2_000;

describe('mutated recordings', () => {
  test('of streams end with one terminal event, whoever reads them', async () => {
    for (const [id, counts] of await fuzzStreams({ streams: STREAMS, seed: 2026, oneCallerIn: 5 })) {
      expect({ id, failures: counts.failures }).toEqual({ id, failures: [] });
      expect(counts.endedWell).toBeGreaterThan(0);
      expect(counts.endedInError).toBeGreaterThan(0);
    }
  }, 120_000);

  test('of requests are understood, or refused as the caller’s own fault', () => {
    for (const [id, counts] of fuzzBodies({ bodies: BODIES, seed: 2026 })) {
      expect({ id, failures: counts.failures }).toEqual({ id, failures: [] });
      expect(counts.understood).toBeGreaterThan(0);
      expect(counts.refused).toBeGreaterThan(0);
    }
  }, 120_000);
});
