/**
 * Derives lambda/config/model-equivalents.json, which says what is the same model at several providers, from the price
 * catalogue.
 *
 *     node scripts/derive-model-equivalents.ts [--write]
 *
 * Prints the families. Nothing is written without `--write`; look at what changed then, since a request that fails over to
 * another model than was asked for is a fault that nobody sees. The rules are in scripts/model-equivalents/family.ts.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { deriveEquivalents, equivalentsText } from './model-equivalents/derive.ts';
import { readCatalogue } from './price-catalogue/catalogue.ts';

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const address = (file: string): URL => new URL(`../lambda/config/${file}`, import.meta.url);
const families = deriveEquivalents(readCatalogue(address('price-catalogue.json')).models);
if (values.write) writeFileSync(address('model-equivalents.json'), equivalentsText(families));
for (const [family, models] of families)
  console.log(`${family}\n${models.map((model) => `  ${model}\n`).join('')}`);
console.log(
  `${families.size} families. ${values.write ? 'Written.' : 'Nothing was written. With --write it is.'}`,
);
