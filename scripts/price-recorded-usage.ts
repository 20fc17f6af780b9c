/**
 * Prices every recorded answer whose format Sluice speaks, bucket by bucket, and prints the table.
 *
 *     node scripts/price-recorded-usage.ts
 *
 * Costs are in millionths of a dollar, before any rounding; `total` is rounded once, up, to a thousandth of that. `provider's`
 * is what the provider itself says it charged, and `off` by how much that differs.
 */
import { readFileSync } from 'node:fs';
import { priceBook } from '../lambda/config/price-book.ts';
import { type NanoUsd, nanoUsd } from '../lambda/domain/money/nano.ts';
import { type PricedCase, priceCase } from './recorded-usage/price-case.ts';
import { recordedUsage } from './recorded-usage/read.ts';

const CATALOGUE = new URL('../lambda/config/price-catalogue.json', import.meta.url);

const COLUMNS = [
  'case',
  'price',
  'tokens by bucket',
  'µ$ by bucket',
  'total µ$',
  'provider’s µ$',
  'off µ$',
] as const;

async function main(): Promise<void> {
  const catalogue = JSON.parse(readFileSync(CATALOGUE, 'utf8'));
  const book = priceBook(catalogue, {});
  const recorded = await recordedUsage();
  const atMs = Date.parse(catalogue.header.date);
  const priced = recorded.flatMap((one) => priceCase(book, one, atMs) ?? []);
  const lines = [COLUMNS, COLUMNS.map(() => '---'), ...priced.map(row)];
  console.log(lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n'));
  const silent = recorded.filter(({ usage }) => usage === undefined).map(({ name }) => name);
  console.log(
    `\n${priced.length} answers of ${new Set(priced.map(({ provider }) => provider)).size} providers.`,
  );
  console.log(`Without any usage: ${silent.join(', ')}.`);
}

function row(one: PricedCase): readonly string[] {
  const { reportedCost, total } = one;
  return [
    one.name,
    `${one.provider}/${one.model} ${one.priceVersion}`,
    named(one.buckets, String),
    named(one.costs, microText),
    microText(nanoToFemto(total)),
    reportedCost === undefined ? '' : microText(nanoToFemto(reportedCost)),
    reportedCost === undefined ? '' : microText(nanoToFemto(nanoUsd(total - reportedCost))),
  ];
}

/** What is not 0, by its name. */
const named = <Value extends number | bigint>(
  values: Readonly<Record<string, Value>>,
  text: (value: Value) => string,
): string =>
  Object.entries(values)
    .flatMap(([name, value]) => (Number(value) === 0 ? [] : [`${name} ${text(value)}`]))
    .join(', ');

const nanoToFemto = (amount: NanoUsd): bigint => amount * 1_000_000n;

/** Femto-dollars as millionths of a dollar. */
const microText = (femto: bigint): string => String(Number(femto) / 1e9);

await main();
