import * as z from 'zod';
import {
  budgetLines,
  budgetsSummary,
  factLines,
  pairsText,
  ruleFacts,
  rules,
  shortTime,
  withNextPage,
} from './rule-views.ts';
import { formatTable, formatUsd } from './table.ts';

const key = rules.extend({
  id: z.string(),
  key: z.optional(z.string()),
  name: z.string(),
  state: z.string(),
  organization: z.nullable(z.string()),
  team: z.nullable(z.string()),
  project: z.nullable(z.string()),
  member: z.nullable(z.string()),
  tags: z.record(z.string(), z.string()),
  session_limits: z.nullable(
    z.object({ max_cost_usd: z.nullable(z.number()), max_calls: z.nullable(z.number()) }),
  ),
  end_user_budget: z.nullable(z.object({ limit_usd: z.number(), window: z.string(), mode: z.string() })),
  cache: z.nullable(z.string()),
  key_hint: z.string(),
  created_at: z.string(),
  expires_at: z.nullable(z.string()),
  earlier_secrets_end_at: z.nullable(z.string()),
});
type Key = z.output<typeof key>;

const keyPage = z.object({ data: z.array(key), next_cursor: z.nullable(z.string()) });

/** One key with everything known of it; the secret first, where the answer holds it. */
export function keyText(answer: unknown): string {
  const view = key.parse(answer);
  const lines = factLines([
    ['id', view.id],
    ['name', view.name],
    ['state', view.state],
    ['secret', secretText(view)],
    ['organization', view.organization],
    ['team', view.team],
    ['project', view.project],
    ['member', view.member],
    ['tags', pairsText(view.tags)],
    ...ruleFacts(view),
    ['session', sessionText(view.session_limits)],
    ['end user', endUserText(view.end_user_budget)],
    ['cache', view.cache],
    ['created', shortTime(view.created_at)],
    ['expires', view.expires_at === null ? 'never' : shortTime(view.expires_at)],
  ]);
  const secret =
    view.key === undefined
      ? []
      : [`key           ${view.key}`, '              Keep it now: it is not shown again.', ''];
  return [...secret, ...lines, ...ownBudgets(view)].join('\n');
}

/** Keys as a table, and how to see the next ones. */
export function keyListText(answer: unknown): string {
  const page = keyPage.parse(answer);
  if (page.data.length === 0) return withNextPage('No keys.', page.next_cursor);
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
      budgetsSummary(view.budgets),
      shortTime(view.created_at),
    ]),
  );
  return withNextPage(table, page.next_cursor);
}

function secretText({ key_hint: hint, earlier_secrets_end_at: endsAt }: Key): string {
  return endsAt === null ? `…${hint}` : `…${hint}; the one before works until ${shortTime(endsAt)}`;
}

function sessionText(limits: Key['session_limits']): string | null {
  if (limits === null) return null;
  return [
    ...(limits.max_cost_usd === null ? [] : [formatUsd(limits.max_cost_usd)]),
    ...(limits.max_calls === null ? [] : [`${limits.max_calls} calls`]),
  ].join(', ');
}

const endUserText = (budget: Key['end_user_budget']): string | null =>
  budget === null
    ? null
    : `${formatUsd(budget.limit_usd)}/${budget.window}${budget.mode === 'soft' ? ' (soft)' : ''} each`;

function ownBudgets(view: Key): readonly string[] {
  if (view.budgets.length > 0) return budgetLines(view);
  return view.state === 'active' ? ['', 'The key itself has no budget.'] : [];
}
