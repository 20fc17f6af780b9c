/**
 * Writes docs/providers.md from the providers as they are.
 *
 *     node scripts/write-provider-docs.ts
 */
import { writeFileSync } from 'node:fs';
import { PROVIDERS } from '../lambda/providers/registry.ts';
import { providersPage } from './provider-docs/page.ts';

writeFileSync(new URL('../docs/providers.md', import.meta.url), providersPage(PROVIDERS));
