import { decimalUsd, nanoUsd } from '../../lambda/domain/money/nano.ts';
import { factorOf, type ModelChange, type RateChange } from './changes.ts';
import type { Derived } from './derive.ts';

/** Ten times dearer or cheaper is more often a slip of the point than a price. */
const SUSPICIOUS_FACTOR = 10;

/** What a reviewer reads before a refresh is taken over. */
export interface Review {
  readonly changes: readonly ModelChange[];
  readonly leftOut: Derived['leftOut'];
  /** Providers that this gateway's configuration declares. */
  readonly enabledProviders: ReadonlySet<string>;
}

/** The difference as text: first what is to be looked at twice, then everything, the largest changes first. */
export function reviewText(review: Review): string {
  const { changes } = review;
  const of = <Type extends ModelChange['type']>(type: Type) =>
    changes.filter((change): change is Extract<ModelChange, { type: Type }> => change.type === type);
  const [changed, added, removed] = [of('changed'), of('added'), of('removed')];
  const suspicions = changes.flatMap((change) => suspicionsOf(change, review));
  return [
    `${changed.length} changed, ${added.length} added, ${removed.length} removed.`,
    ...section('Look at these twice', suspicions),
    ...section(
      'Changed, in dollars per million tokens (charges for requests and searches in dollars)',
      changed.flatMap(({ name, rates }) => [name, ...rates.map((rate) => `  ${rateText(rate)}`)]),
    ),
    ...section(
      'Added, prompt and completion in dollars per million tokens',
      added.map(({ name, entry }) => {
        const { prompt, completion } = entry.standard;
        return `${name}: ${perMillion(prompt)} and ${perMillion(completion)}`;
      }),
    ),
    ...section(
      'Removed',
      removed.map(({ name }) => name + because(name, review)),
    ),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];

function suspicionsOf(change: ModelChange, review: Review): readonly string[] {
  const { name } = change;
  const isEnabled = review.enabledProviders.has(name.slice(0, name.indexOf('/')));
  switch (change.type) {
    case 'added':
      return [];
    case 'removed':
      return isEnabled
        ? [`${name} is no longer listed, and its provider is declared here${because(name, review)}`]
        : [];
    case 'changed':
      return change.rates.flatMap((rate) => {
        const reason = suspicionOf(rate);
        return reason === undefined ? [] : [`${name} ${rateText(rate)}: ${reason}`];
      });
  }
}

function suspicionOf(rate: RateChange): string | undefined {
  if (rate.after === 0) return 'now costs nothing';
  if (rate.after === undefined) return 'no longer listed, so the rate of its kind of token stands in';
  return factorOf(rate) >= SUSPICIOUS_FACTOR ? `a change by ${SUSPICIOUS_FACTOR} times or more` : undefined;
}

/** Why a model that the list still names is not in the catalogue any more. */
function because(name: string, { leftOut }: Review): string {
  const reason = [...leftOut].find(([, models]) => models.some((model) => model.name === name))?.[0];
  return reason === undefined ? '' : ` (${reason})`;
}

function rateText({ name, unit, before, after }: RateChange): string {
  const text = (amount: number | undefined): string =>
    amount === undefined ? 'not listed' : amountText(unit, amount);
  const share =
    before === undefined || after === undefined || before === 0
      ? ''
      : ` (${after > before ? '+' : ''}${Math.round(((after - before) / before) * 1_000) / 10} %)`;
  return `${name}: ${text(before)} → ${text(after)}${share}`;
}

function amountText(unit: RateChange['unit'], amount: number): string {
  switch (unit) {
    case 'femto-per-token':
      return perMillion(amount);
    case 'femto-per-unit':
      return `${perMillion(amount)} a million`;
    case 'nano':
      return decimalUsd(nanoUsd(BigInt(amount)));
    case 'thousandths':
      return `× ${amount / 1_000}`;
  }
}

/** A femto-dollar a token is a billionth of a dollar per million tokens. */
const perMillion = (femtoPerToken: number): string => decimalUsd(nanoUsd(BigInt(femtoPerToken)));
