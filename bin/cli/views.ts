import * as z from 'zod';
import { formatTable, formatUsd, printable } from './table.ts';

const budget = z.object({
  limit_usd: z.number(),
  window: z.string(),
  mode: z.string(),
  spent_usd: z.number(),
  reserved_usd: z.number(),
  remaining_usd: z.number(),
  resets_at: z.nullable(z.string()),
});

const key = z.object({
  id: z.string(),
  key: z.optional(z.string()),
  name: z.string(),
  state: z.string(),
  organization: z.nullable(z.string()),
  team: z.nullable(z.string()),
  project: z.nullable(z.string()),
  member: z.nullable(z.string()),
  tags: z.record(z.string(), z.string()),
  models: z.array(z.string()),
  providers: z.array(z.string()),
  budgets: z.array(budget),
  metadata: z.record(z.string(), z.string()),
  key_hint: z.string(),
  created_at: z.string(),
  expires_at: z.nullable(z.string()),
});
type Key = z.output<typeof key>;

const keyPage = z.object({ data: z.array(key), next_cursor: z.nullable(z.string()) });

const spendSums = z.object({
  requests: z.number(),
  cost_usd: z.number(),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
});
const spendReport = z.object({
  from: z.string(),
  to: z.string(),
  group_by: z.array(z.string()),
  data: z.array(z.looseObject(spendSums.shape)),
  total: spendSums,
});

/** One key with everything known of it; the secret first, where the answer holds it. */
export function keyText(answer: unknown): string {
  const view = key.parse(answer);
  const facts: readonly (readonly [string, string | null])[] = [
    ['id', view.id],
    ['name', view.name],
    ['state', view.state],
    ['secret', `…${view.key_hint}`],
    ['organization', view.organization],
    ['team', view.team],
    ['project', view.project],
    ['member', view.member],
    ['models', listText(view.models)],
    ['providers', listText(view.providers)],
    ['tags', pairsText(view.tags)],
    ['metadata', pairsText(view.metadata)],
    ['created', shortTime(view.created_at)],
    ['expires', view.expires_at === null ? 'never' : shortTime(view.expires_at)],
  ];
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null && fact[1] !== '');
  const lines = shown.map(([name, value]) => `${name.padEnd(14)}${printable(value)}`);
  const secret =
    view.key === undefined
      ? []
      : [`key           ${view.key}`, '              Keep it now: it is not shown again.', ''];
  return [...secret, ...lines, ...budgetLines(view)].join('\n');
}

/** Keys as a table, and how to see the next ones. */
export function keyListText(answer: unknown): string {
  const page = keyPage.parse(answer);
  if (page.data.length === 0) return 'No keys.';
  const table = formatTable(
    [
      { heading: 'ID' },
      { heading: 'NAME' },
      { heading: 'STATE' },
      { heading: 'SECRET' },
      { heading: 'TEAM' },
      { heading: 'BUDGETS' },
      { heading: 'CREATED' },
    ],
    page.data.map((view) => [
      view.id,
      view.name,
      view.state,
      `…${view.key_hint}`,
      view.team ?? '',
      view.budgets
        .map((item) => `${formatUsd(item.spent_usd)} of ${formatUsd(item.limit_usd)}/${item.window}`)
        .join(', '),
      shortTime(view.created_at),
    ]),
  );
  return page.next_cursor === null ? table : `${table}\n\nMore: --cursor ${page.next_cursor}`;
}

/** A spend report as a table with its sum below. */
export function spendText(answer: unknown): string {
  const report = spendReport.parse(answer);
  const groups = report.group_by.flatMap((group) => (group === 'key' ? ['key', 'key_name'] : [group]));
  const table = formatTable(
    [
      ...groups.map((group) => ({ heading: group.replace('_', ' ').toUpperCase() })),
      { heading: 'REQUESTS', align: 'right' },
      { heading: 'COST', align: 'right' },
      { heading: 'PROMPT TOKENS', align: 'right' },
      { heading: 'COMPLETION TOKENS', align: 'right' },
    ],
    [
      ...report.data.map((row) => [...groups.map((group) => String(row[group] ?? '')), ...sumCells(row)]),
      [...groups.map((_group, index) => (index === 0 ? 'total' : '')), ...sumCells(report.total)],
    ],
  );
  return `${report.from} to ${report.to} (UTC)\n\n${table}`;
}

const sumCells = (sums: z.output<typeof spendSums>): readonly string[] => [
  sums.requests.toLocaleString('en-US'),
  formatUsd(sums.cost_usd),
  sums.prompt_tokens.toLocaleString('en-US'),
  sums.completion_tokens.toLocaleString('en-US'),
];

function budgetLines(view: Key): readonly string[] {
  if (view.budgets.length === 0)
    return view.state === 'active' ? ['', 'No budget: nothing limits what this key spends.'] : [];
  return [
    '',
    formatTable(
      [
        { heading: 'BUDGET' },
        { heading: 'MODE' },
        { heading: 'LIMIT', align: 'right' },
        { heading: 'SPENT', align: 'right' },
        { heading: 'RESERVED', align: 'right' },
        { heading: 'REMAINING', align: 'right' },
        { heading: 'RESETS' },
      ],
      view.budgets.map((item) => [
        item.window,
        item.mode,
        formatUsd(item.limit_usd),
        formatUsd(item.spent_usd),
        formatUsd(item.reserved_usd),
        formatUsd(item.remaining_usd),
        item.resets_at === null ? 'never' : shortTime(item.resets_at),
      ]),
    ),
  ];
}

const listText = (items: readonly string[]): string => (items.length === 0 ? 'all' : items.join(', '));

const pairsText = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');

/** `2026-11-20 09:07 UTC` */
const shortTime = (isoTime: string): string => `${isoTime.slice(0, 16).replace('T', ' ')} UTC`;
