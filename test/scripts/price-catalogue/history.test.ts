import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { CatalogueEntry } from '../../../lambda/config/catalogue-entry.ts';
import { priceBook } from '../../../lambda/config/price-book.ts';
import { type Catalogue, catalogueText } from '../../../scripts/price-catalogue/catalogue.ts';
import { takeOver } from '../../../scripts/price-catalogue/history.ts';

const entry = (prompt: number, more: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  mode: 'chat',
  standard: { prompt, completion: 1 },
  ...more,
});
const models = (entries: Readonly<Record<string, CatalogueEntry>>): Catalogue['models'] =>
  new Map([['openai', new Map(Object.entries(entries))]]);
const catalogue = (entries: Readonly<Record<string, CatalogueEntry>>): Catalogue => ({
  since: '2026-08-01',
  models: models(entries),
});
const KEPT_DAYS = 400;
const take = (old: Catalogue, next: Readonly<Record<string, CatalogueEntry>>, from: string): unknown =>
  Object.fromEntries(takeOver(old, models(next), { from, keptDays: KEPT_DAYS }).get('openai') ?? []);

describe('taking new prices over', () => {
  test('leaves what is the same as it stands, and takes new limits', () => {
    const old = catalogue({ a: entry(1, { from: '2026-09-01', contextTokens: 5 }) });
    expect(take(old, { a: entry(1, { contextTokens: 6 }) }, '2026-10-01')).toEqual({
      a: entry(1, { from: '2026-09-01', contextTokens: 6 }),
    });
  });

  test('lets a changed price hold from its day, and keeps what it was before', () => {
    const old = catalogue({ a: entry(1, { contextTokens: 5, request: { low: 7 } }) });
    expect(take(old, { a: entry(2, { contextTokens: 6 }) }, '2026-10-01')).toEqual({
      a: entry(2, {
        contextTokens: 6,
        from: '2026-10-01',
        earlier: [{ standard: { prompt: 1, completion: 1 }, request: { low: 7 } }],
      }),
    });
  });

  test('dates a new model, and ends one that is gone without forgetting it', () => {
    expect(take(catalogue({ a: entry(1) }), { b: entry(2) }, '2026-10-01')).toEqual({
      a: entry(1, { until: '2026-10-01' }),
      b: entry(2, { from: '2026-10-01' }),
    });
  });

  test('lets a model come back', () => {
    const old = catalogue({ a: entry(1, { until: '2026-10-01' }) });
    expect(take(old, { a: entry(1) }, '2026-11-01')).toEqual({
      a: entry(1, { from: '2026-11-01', earlier: [{ standard: { prompt: 1, completion: 1 } }] }),
    });
  });

  test('forgets what no record can name any more', () => {
    const old = catalogue({
      a: entry(3, { from: '2027-06-01', earlier: [{ standard: { prompt: 1, completion: 1 } }] }),
      b: entry(3, { until: '2027-06-01' }),
    });
    const kept = take(old, { a: entry(3) }, '2028-07-05');
    const forgotten = take(old, { a: entry(3) }, '2028-07-06');
    expect(kept).toEqual({
      a: expect.objectContaining({ earlier: expect.anything() }),
      b: expect.anything(),
    });
    expect(forgotten).toEqual({ a: entry(3, { from: '2027-06-01' }) });
  });

  test('refuses to rewrite a price that is already in force', () => {
    const old = catalogue({ a: entry(1, { from: '2026-10-01' }) });
    expect(() => take(old, { a: entry(2) }, '2026-10-01')).toThrow(
      'openai/a already has a price from 2026-10-01',
    );
  });

  test('answers for every day with the price that the refresh of that day or before it listed', async () => {
    const dayAt = (index: number): string =>
      new Date(Date.UTC(2026, 8, 1 + index)).toISOString().slice(0, 10);
    const prices = fc.array(fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.property(prices, (listed) => {
        let current = catalogue({ a: entry(9) });
        listed.forEach((price, index) => {
          const next: Readonly<Record<string, CatalogueEntry>> =
            price === undefined ? {} : { a: entry(price) };
          current = {
            since: '2026-08-01',
            models: takeOver(current, models(next), { from: dayAt(index), keptDays: KEPT_DAYS }),
          };
        });
        const header = { source: '', licence: '', date: '', since: '2026-08-01', unit: '' };
        const book = priceBook(JSON.parse(catalogueText(current.models, header)), {});
        const last = Date.parse(dayAt(listed.length - 1));
        expect(book.find({ provider: 'openai', model: 'a' }, last)?.standard.rates.prompt).toBe(
          listed.at(-1) === undefined ? undefined : BigInt(listed.at(-1) ?? 0),
        );
        // A removal ends the entry as a whole, so that only lists without one can be asked about the past.
        if (listed.includes(undefined)) return;
        listed.forEach((price, index) => {
          const found = book.find({ provider: 'openai', model: 'a' }, Date.parse(dayAt(index)));
          expect(found?.standard.rates.prompt).toBe(BigInt(price ?? 0));
        });
      }),
    );
  });
});
