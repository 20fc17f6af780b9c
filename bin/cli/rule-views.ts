import * as z from 'zod';
import { formatTable, formatUsd, printable } from './table.ts';

const facet = { model: z.nullable(z.string()), provider: z.nullable(z.string()) };

/** A budget and where it stands. */
export const budget = z.object({
  limit_usd: z.number(),
  increase_usd: z.number(),
  window: z.string(),
  ...facet,
  mode: z.string(),
  spent_usd: z.number(),
  reserved_usd: z.number(),
  remaining_usd: z.number(),
  resets_at: z.nullable(z.string()),
});
export type Budget = z.output<typeof budget>;

const increase = z.object({
  amount_usd: z.number(),
  window: z.nullable(z.string()),
  ...facet,
  expires_at: z.string(),
  reason: z.string(),
});

const rates = z.object({
  requests_per_minute: z.nullable(z.number()),
  tokens_per_minute: z.nullable(z.number()),
  concurrent_requests: z.nullable(z.number()),
});
const rateLimits = z.nullable(z.union([z.array(rates.extend(facet)), rates]));

/** What keys and all other scopes have. */
export const rules = z.object({
  models: z.array(z.string()),
  providers: z.array(z.string()),
  budgets: z.array(budget),
  increases: z.array(increase),
  rate_limits: rateLimits,
  metadata: z.record(z.string(), z.string()),
});
export type Rules = z.output<typeof rules>;

/** Facts about what somebody may do, as names and texts. */
export const ruleFacts = (view: Rules): readonly Fact[] => [
  ['models', listText(view.models)],
  ['providers', listText(view.providers)],
  ...rateFacts(view.rate_limits),
  ['metadata', pairsText(view.metadata)],
];

export type Fact = readonly [string, string | null];

/** Facts one to a line; what is null or empty is left out. */
export function factLines(facts: readonly Fact[]): readonly string[] {
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null && fact[1] !== '');
  return shown.map(([name, value]) => `${name.padEnd(14)}${printable(value)}`);
}

function rateFacts(limits: Rules['rate_limits']): readonly Fact[] {
  if (limits === null) return [];
  const all = Array.isArray(limits) ? limits : [{ ...limits, model: null, provider: null }];
  return all.map((limit, index) => [
    index === 0 ? 'rate limits' : ' ',
    [
      ...(limit.requests_per_minute === null ? [] : [`${limit.requests_per_minute} requests a minute`]),
      ...(limit.tokens_per_minute === null ? [] : [`${limit.tokens_per_minute} tokens a minute`]),
      ...(limit.concurrent_requests === null ? [] : [`${limit.concurrent_requests} at once`]),
    ].join(', ') + onText(limit),
  ]);
}

interface Facet {
  readonly model: string | null;
  readonly provider: string | null;
}

/** ` on openai/gpt-5`, where something counts only that. */
function onText({ model, provider }: Facet): string {
  const parts = [model, provider].filter((part) => part !== null);
  return parts.length === 0 ? '' : ` on ${parts.join(', ')}`;
}

/** `month`, `month on openai/gpt-5`. */
export const budgetName = (item: Budget): string => `${item.window}${onText(item)}`;

/** A table of budgets, and the increases that are part of their limits. */
export function budgetLines({ budgets, increases }: Pick<Rules, 'budgets' | 'increases'>): readonly string[] {
  const table = formatTable(
    [
      { heading: 'BUDGET' },
      { heading: 'MODE' },
      { heading: 'LIMIT', align: 'right' },
      { heading: 'SPENT', align: 'right' },
      { heading: 'RESERVED', align: 'right' },
      { heading: 'REMAINING', align: 'right' },
      { heading: 'RESETS' },
    ],
    budgets.map((item) => [
      budgetName(item),
      item.mode,
      formatUsd(item.limit_usd),
      formatUsd(item.spent_usd),
      formatUsd(item.reserved_usd),
      formatUsd(item.remaining_usd),
      item.resets_at === null ? 'never' : shortTime(item.resets_at),
    ]),
  );
  const notes = increases.map((each) =>
    printable(
      `${each.window ?? 'each window'}${onText(each)}: ${formatUsd(each.amount_usd)} more until ${shortTime(each.expires_at)}: ${each.reason}`,
    ),
  );
  return ['', table, ...(notes.length === 0 ? [] : ['', ...notes])];
}

export const listText = (items: readonly string[]): string => (items.length === 0 ? 'all' : items.join(', '));

export const pairsText = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');

/** `$1.20 of $5.00/month` for each. */
export const budgetsSummary = (budgets: readonly Budget[]): string =>
  budgets
    .map((item) => `${formatUsd(item.spent_usd)} of ${formatUsd(item.limit_usd)}/${budgetName(item)}`)
    .join(', ');

/** A list, and how to see the next ones. */
export const withNextPage = (text: string, nextCursor: string | null): string =>
  nextCursor === null ? text : `${text}\n\nMore: --cursor ${nextCursor}`;

/** `2026-11-20 09:07 UTC` */
export const shortTime = (isoTime: string): string => `${isoTime.slice(0, 16).replace('T', ' ')} UTC`;
