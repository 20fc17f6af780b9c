import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PROVIDERS } from '../../lambda/providers/registry.ts';
import { providersPage } from '../../scripts/provider-docs/page.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'providers.md'), 'utf8');

test('the page of the providers is current: else run node scripts/write-provider-docs.ts', () => {
  expect(PAGE).toBe(providersPage(PROVIDERS));
});

test('the page names every provider but the simulated ones', () => {
  for (const { id } of PROVIDERS) expect(PAGE.includes(`\n| \`${id}\` `)).toBe(!/^sim/.test(id));
});
