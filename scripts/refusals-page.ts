/**
 * Writes docs/refusals.md: what is refused or dropped between each two dialects, and why.
 *
 *     node scripts/refusals-page.ts
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { refusalsPage } from './refusals/page.ts';

const FILE = path.join(import.meta.dirname, '../docs/refusals.md');

writeFileSync(FILE, refusalsPage());
console.log(`Written: ${path.relative(process.cwd(), FILE)}`);
