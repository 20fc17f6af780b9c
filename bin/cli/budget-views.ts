import * as z from 'zod';
import { budget, budgetLines, budgetName, factLines, rules, shortTime, withNextPage } from './rule-views.ts';
import { formatTable, formatUsd } from './table.ts';

const listed = budget.extend({
  scope: z.string(),
  name: z.string(),
  forecast_exhausted_at: z.nullable(z.string()),
});
const budgetPage = z.object({ data: z.array(listed), next_cursor: z.nullable(z.string()) });

const one = rules.pick({ budgets: true, increases: true }).extend({ id: z.string(), name: z.string() });

/** Where budgets stand: a page of all of them, or those of one key, team, … */
export function budgetsText(answer: unknown): string {
  const page = budgetPage.safeParse(answer);
  return page.success ? budgetListText(page.data) : scopeBudgetsText(one.parse(answer));
}

function budgetListText(page: z.output<typeof budgetPage>): string {
  if (page.data.length === 0)
    return withNextPage(page.next_cursor === null ? 'No budgets.' : 'None on this page.', page.next_cursor);
  const table = formatTable(
    [
      { heading: 'SCOPE' },
      { heading: 'NAME' },
      { heading: 'BUDGET' },
      { heading: 'MODE' },
      { heading: 'LIMIT', align: 'right' },
      { heading: 'SPENT', align: 'right' },
      { heading: 'RESERVED', align: 'right' },
      { heading: 'REMAINING', align: 'right' },
      { heading: 'RESETS' },
      { heading: 'SPENT AT THIS PACE' },
    ],
    page.data.map((item) => [
      item.scope,
      item.scope.endsWith(`:${item.name}`) ? '' : item.name,
      budgetName(item),
      item.mode,
      formatUsd(item.limit_usd),
      formatUsd(item.spent_usd),
      formatUsd(item.reserved_usd),
      formatUsd(item.remaining_usd),
      item.resets_at === null ? 'never' : shortTime(item.resets_at),
      item.forecast_exhausted_at === null ? '' : shortTime(item.forecast_exhausted_at),
    ]),
  );
  return withNextPage(table, page.next_cursor);
}

function scopeBudgetsText(view: z.output<typeof one>): string {
  const name = factLines([
    ['id', view.id],
    ['name', view.name === view.id ? null : view.name],
  ]);
  const budgets = view.budgets.length === 0 ? ['', 'No budget.'] : budgetLines(view);
  return [...name, ...budgets].join('\n');
}
