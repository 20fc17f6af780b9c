import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import { OPERATION_OF } from '../../../lambda/dialects/dialect.ts';
import { DIALECTS } from '../../../lambda/dialects/registry.ts';
import { nativeOptionsOf } from '../../../scripts/refusals/native-options.ts';
import { refusalsPage } from '../../../scripts/refusals/page.ts';

describe('the page of refusals', () => {
  const page = refusalsPage();

  test('is current: `node scripts/refusals-page.ts` writes it anew', () => {
    const written = readFileSync(path.join(import.meta.dirname, '../../../docs/refusals.md'), 'utf8');
    expect(written).toBe(page);
  });

  test('has every pair of the dialects that hold conversations', () => {
    const pairs = page.match(/^### .+$/gm) ?? [];
    const held = DIALECTS.filter(({ id }) => OPERATION_OF[id] === 'chat' && id !== 'openai-completions');
    expect(pairs).toHaveLength(held.length * (held.length - 1));
  });

  test('gives a reason for everything', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(100);
    expect(
      rows.filter((line) => !/ \| (refused|dropped|refused or dropped) +\| [A-Z].+\. +\|$/.test(line)),
    ).toEqual([]);
  });

  test('finds the options that only a dialect has in its own code', () => {
    expect(nativeOptionsOf(cohereChat)).toEqual([
      ...['citation_options', 'documents', 'priority', 'raw_prompting', 'response_format', 'safety_mode'],
    ]);
  });
});
