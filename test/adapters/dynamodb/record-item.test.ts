import { describe, expect, test } from '@jest/globals';
import { cutText } from '../../../lambda/adapters/dynamodb/attributes.ts';
import {
  correctionItem,
  entryIdOf,
  legItem,
  legOfEntry,
  recordOfItems,
} from '../../../lambda/adapters/dynamodb/record-item.ts';
import { deploymentId, requestId, virtualKeyId } from '../../../lambda/domain/ids.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../../lambda/domain/request-record.ts';
import { facts, outcome } from './fixtures.ts';

const policy: ScopePolicy = {
  scope: { kind: 'key', id: 'key_0123456789abcdef' },
  policyVersion: 1,
  budgets: [],
};

/** What the service counts of an item: names and values in UTF-8; a number about a byte for two digits. */
const sizeOf = (request: RequestFacts, ended: RequestOutcome): number => {
  const item = legItem(request, { leg: 0, estimate: nanoUsd(123_456_789n) }, ended);
  return Object.entries(item).reduce((sum, [name, value]) => {
    const texts = value.S ?? value.L?.map((element) => ` ${element.S}`).join('') ?? '';
    return sum + name.length + Buffer.byteLength(texts) + Math.ceil((value.N?.length ?? 0) / 2) + 1;
  }, 0);
};

describe('the item of a record', () => {
  test('takes less than a kilobyte for a usual request', () => {
    const request = facts(policy, {
      keyId: virtualKeyId('key_0123456789abcdef'),
      organization: 'acme',
      team: 'search',
      project: 'ranker',
      endUser: 'user-4711',
      session: 'b54c8a52-8e5d-4f0e-9a9f-5a4f0c7f2d11',
    });
    expect(sizeOf(request, outcome(4_321_000n))).toBeLessThan(1024);
  });

  test('stays small whatever callers and upstreams write', () => {
    const long = 'ü'.repeat(100_000);
    const request = facts(policy, {
      endUser: long,
      session: long,
      tags: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${index}${long}`, long])),
      modelsAsked: Array.from({ length: 1000 }, () => long),
    });
    const attempts = Array.from({ length: 500 }, () => ({
      deployment: deploymentId(long),
      outcome: 'upstream_error' as const,
      durationMs: 1.5,
    }));
    const ended = outcome(1n, { upstreamId: long, model: long, attempts, usage: { serviceTier: long } });
    expect(sizeOf(request, ended)).toBeLessThan(5 * 1024);
  });

  test('keeps no half of a character', () => {
    const request = facts(policy, { endUser: `${'a'.repeat(127)}ü`, session: 'broken \ud800 half' });
    const record = recordOfItems([legItem(request, { leg: 0, estimate: nanoUsd(1n) }, outcome(1n))]);
    expect(record?.endUser).toBe('a'.repeat(127));
    expect(record?.session).toBe('broken \ufffd half');
    expect(cutText('😀😀', 7)).toBe('😀');
  });
});

describe('the record that items make together', () => {
  const request = facts(policy);
  const leg = (number: number, estimate: bigint, ended: RequestOutcome) =>
    legItem(request, { leg: number, estimate: nanoUsd(estimate) }, ended);

  test('is none where there is no item', () => {
    expect(recordOfItems([])).toBeUndefined();
  });

  test('holds every fact and outcome of its one leg', () => {
    const ended = outcome(250n);
    expect(recordOfItems([leg(0, 1000n, ended)])).toEqual({ ...request, ...ended, estimate: 1000n });
  });

  test('ends as its last leg, and costs what all of them cost', () => {
    const failed = outcome(30n, { outcome: 'upstream_error', chargeBasis: 'estimated' });
    const record = recordOfItems([leg(0, 1000n, failed), leg(1, 400n, outcome(250n))]);
    expect(record).toEqual({ ...request, ...outcome(280n), estimate: 1400n });
  });

  test('is what a correction says, with the difference added', () => {
    const swept = outcome(1000n, { outcome: 'internal', chargeBasis: 'swept' });
    const items = [correctionItem(request, 0, outcome(-750n)), leg(0, 1000n, swept)];
    expect(recordOfItems(items)).toEqual({ ...request, ...outcome(250n), estimate: 1000n });
  });
});

test('an entry is named for its request and leg, and tells them', () => {
  const id = requestId('gen-01.23');
  expect(legOfEntry(entryIdOf(id, 12))).toEqual({ id, leg: 12 });
});
