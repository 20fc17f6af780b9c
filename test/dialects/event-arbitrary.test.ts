import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventSequence } from './event-arbitrary.ts';
import { eventCoverage } from './event-coverage.ts';
import { brokenRules } from './event-rules.ts';

describe('generated answers', () => {
  test('keep every rule of the event union', () => {
    fc.assert(
      fc.property(eventSequence, (events) => {
        expect(brokenRules(events)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('hold every member of the union, every kind and every shape of an answer', () => {
    const missing = [...eventCoverage(1000, 1)].filter(([, count]) => count < 10);
    expect(missing).toEqual([]);
  });

  test('name each of their tool calls differently', () => {
    fc.assert(
      fc.property(eventSequence, (events) => {
        const ids = events.flatMap((event) => (event.type === 'tool-call-start' ? [event.id] : []));
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
});
