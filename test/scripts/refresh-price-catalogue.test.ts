import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { priceBook } from '../../lambda/config/price-book.ts';

const SCRIPT = path.join(import.meta.dirname, '../../scripts/refresh-price-catalogue.ts');

const model = (input: string, output: string, more: object = {}): object => ({
  litellm_provider: 'openai',
  mode: 'chat',
  input_cost_per_token: Number(input),
  output_cost_per_token: Number(output),
  max_input_tokens: 1_000,
  ...more,
});
const BEFORE = {
  slipped: model('1e-06', '2e-06'),
  cheaper: model('1e-06', '2e-06', { cache_read_input_token_cost: 1e-7 }),
  dearer: model('1e-06', '2e-06'),
  free: model('1e-06', '2e-06'),
  gone: model('1e-06', '2e-06'),
  same: model('1e-06', '2e-06'),
  'together_ai/gone': { ...model('1e-06', '2e-06'), litellm_provider: 'together_ai' },
};
const AFTER = {
  slipped: model('1e-05', '2e-06'),
  cheaper: model('1e-06', '1.5e-06'),
  dearer: model('1.25e-06', '2e-06'),
  free: model('0', '2e-06'),
  same: model('1e-06', '2e-06', { max_input_tokens: 2_000 }),
  fresh: model('3e-06', '4.5e-06'),
};

describe('the command that refreshes the price catalogue', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-prices-'));
  const catalogue = path.join(folder, 'catalogue.json');
  const list = path.join(folder, 'list.json');
  const run = (source: object, ...options: readonly string[]): string => {
    writeFileSync(list, JSON.stringify(source));
    return execFileSync(process.execPath, [SCRIPT, list, '--catalogue', catalogue, ...options], {
      encoding: 'utf8',
    });
  };

  let shown = '';
  let untouched = '';
  let written = '';
  beforeAll(() => {
    run(BEFORE, '--from', '2026-08-01', '--write');
    const before = readFileSync(catalogue, 'utf8');
    shown = run(AFTER, '--from', '2026-10-01');
    untouched = readFileSync(catalogue, 'utf8') === before ? 'untouched' : 'touched';
    written = run(AFTER, '--from', '2026-10-01', '--write');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('shows the difference, the largest changes first', () => {
    expect(shown).toContain('3 changed, 1 added, 3 removed.');
    const changed = shown.slice(shown.indexOf('Changed, in dollars'), shown.indexOf('Added,'));
    expect(changed.split('\n').map((line) => line.trimEnd())).toEqual([
      'Changed, in dollars per million tokens (charges for requests and searches in dollars):',
      '  openai/slipped',
      '    prompt: 1 → 10 (+900 %)',
      '  openai/cheaper',
      '    completion: 2 → 1.5 (-25 %)',
      '    cacheRead: 0.1 → not listed',
      '  openai/dearer',
      '    prompt: 1 → 1.25 (+25 %)',
      '',
      '',
    ]);
    expect(shown).toContain('openai/fresh: 3 and 4.5');
  });

  test('names what is to be looked at twice', () => {
    const twice = shown.slice(shown.indexOf('Look at these twice'), shown.indexOf('Changed,'));
    expect(twice).toContain('openai/slipped prompt: 1 → 10 (+900 %): a change by 10 times or more');
    expect(twice).toContain('openai/cheaper cacheRead: 0.1 → not listed: no longer listed');
    expect(twice).toContain('openai/gone is no longer listed, and its provider is declared here');
    expect(twice).toContain(
      'openai/free is no longer listed, and its provider is declared here (no rate for prompt tokens)',
    );
    expect(twice).not.toContain('together');
    expect(twice).not.toContain('dearer');
  });

  test('changes nothing unless it is told to', () => {
    expect(shown).toContain('Nothing was written.');
    expect(untouched).toBe('untouched');
  });

  test('lets what is written hold from its day on, and remembers what was before', () => {
    expect(written).toContain('in force from 2026-10-01');
    const book = priceBook(JSON.parse(readFileSync(catalogue, 'utf8')), {});
    const at = (name: string, when: string): unknown => {
      const price = book.find({ provider: 'openai', model: name }, Date.parse(when));
      return price && [price.version, price.standard.rates.prompt];
    };
    expect(at('slipped', '2026-09-30')).toEqual(['catalogue@2026-08-01', 1_000_000_000n]);
    expect(at('slipped', '2026-10-01')).toEqual(['catalogue@2026-10-01', 10_000_000_000n]);
    expect(at('same', '2026-10-01')).toEqual(['catalogue@2026-08-01', 1_000_000_000n]);
    expect(at('gone', '2026-09-30')).toEqual(['catalogue@2026-08-01', 1_000_000_000n]);
    expect(at('gone', '2026-10-01')).toBeUndefined();
  });

  test('shows no difference once it is written', () => {
    expect(run(AFTER, '--from', '2026-11-01')).toContain('0 changed, 0 added, 0 removed.');
  });

  test('says how it is used', () => {
    expect(() => run(AFTER, '--from', 'tomorrow')).toThrow('Usage: refresh-price-catalogue.ts');
  });
});
