/**
 * Refreshes lambda/config/price-catalogue.json from the community's list of model prices.
 *
 *     node scripts/refresh-price-catalogue.ts <model_prices.json> [--from 2027-01-01] [--source <where it is from>] [--write]
 *
 * Prints what would change, the largest changes first, and what is to be looked at twice: a price that is too low lets a
 * hard budget overspend. Nothing is written without `--write`; then new prices hold from the day `--from` names, today if it
 * names none, and those before them stay for as long as a record can name them. `--catalogue` names another catalogue.
 *
 * @see https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import gatewayConfig from '#gateway-config';
import { LEDGER_KEPT_DAYS } from '../lambda/adapters/dynamodb/record-item.ts';
import { catalogueText, readCatalogue } from './price-catalogue/catalogue.ts';
import { changesBetween } from './price-catalogue/changes.ts';
import { type Derived, derive } from './price-catalogue/derive.ts';
import { takeOver } from './price-catalogue/history.ts';
import { reviewText } from './price-catalogue/report.ts';

const DEFAULT_SOURCE = 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json';
const USAGE =
  'Usage: refresh-price-catalogue.ts <model_prices.json> [--from YYYY-MM-DD] [--source …] [--catalogue …] [--write]';

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      source: { type: 'string' },
      catalogue: { type: 'string' },
      write: { type: 'boolean' },
    },
  });
  const [path] = positionals;
  const today = new Date().toISOString().slice(0, 10);
  const from = values.from ?? today;
  if (path === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(from) || Number.isNaN(Date.parse(from)))
    throw new Error(USAGE);
  const address = values.catalogue ?? new URL('../lambda/config/price-catalogue.json', import.meta.url);
  const old = readCatalogue(address);
  const { models, leftOut } = derive(readFileSync(path, 'utf8'));
  const enabledProviders = new Set(Object.keys(gatewayConfig.providers));
  const changes = changesBetween(old.models, models);
  console.log(reviewText({ changes, leftOut, enabledProviders }));
  console.log(`\n${leftOutText(leftOut)}`);
  if (values.write !== true) {
    console.log('\nNothing was written. With --write it is.');
    return;
  }
  const text = catalogueText(takeOver(old, models, { from, keptDays: LEDGER_KEPT_DAYS }), {
    source: values.source ?? DEFAULT_SOURCE,
    licence: 'MIT, Copyright (c) 2023 Berri AI: see price-catalogue.LICENSE.md',
    date: from,
    since: old.since ?? from,
    unit: 'rates: 1e-15 US dollars per token; units: 1e-15 US dollars for one, image: 1e-9; webSearchRequest, request: 1e-9 US dollars; regionUplifts: thousandths',
  });
  writeFileSync(address, text);
  console.log(`\nWritten: ${text.length} characters, in force from ${from}.`);
}

/** Kinds of models that Sluice does not serve are only counted. */
function leftOutText(leftOut: Derived['leftOut']): string {
  const lines = [...leftOut]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, models]) => `  ${reason}: ${models.length}`);
  return ['Left out of the list, and why:', ...lines].join('\n');
}

main();
