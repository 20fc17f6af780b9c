import * as z from 'zod';
import {
  budgetLines,
  budgetsSummary,
  factLines,
  ruleFacts,
  rules,
  shortTime,
  withNextPage,
} from './rule-views.ts';
import { formatTable } from './table.ts';

const scope = rules.extend({ id: z.string(), kind: z.string(), name: z.string(), created_at: z.string() });
const scopePage = z.object({ data: z.array(scope), next_cursor: z.nullable(z.string()) });

/** One organization, team, project, member or tag with everything known of it. */
export function scopeViewText(answer: unknown): string {
  const view = scope.parse(answer);
  const lines = factLines([
    ['id', view.id],
    ['name', view.name === view.id ? null : view.name],
    ...ruleFacts(view),
    ['created', shortTime(view.created_at)],
  ]);
  const budgets = view.budgets.length === 0 ? ['', `The ${view.kind} has no budget.`] : budgetLines(view);
  return [...lines, ...budgets].join('\n');
}

/** A list of one kind, and how to see the next ones. */
export function scopeListText(answer: unknown): string {
  const page = scopePage.parse(answer);
  if (page.data.length === 0) return withNextPage('None has settings.', page.next_cursor);
  const table = formatTable(
    [{ heading: 'ID' }, { heading: 'NAME' }, { heading: 'BUDGETS' }, { heading: 'CREATED' }],
    page.data.map((view) => [view.id, view.name, budgetsSummary(view.budgets), shortTime(view.created_at)]),
  );
  return withNextPage(table, page.next_cursor);
}
