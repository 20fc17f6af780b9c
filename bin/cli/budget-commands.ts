import { budgetsText } from './budget-views.ts';
import { UsageError } from './cli-errors.ts';
import {
  argument,
  type Command,
  type CommandInput,
  PAGE_HELP,
  PAGE_OPTIONS,
  pageQuery,
  textOption,
} from './command.ts';
import { readExpiry, readIncrease } from './read-values.ts';
import { BUDGET_HELP, given, RULE_OPTIONS, type RuleOptionValues, ruleFields } from './rule-arguments.ts';
import { pathOfScope } from './scope-commands.ts';

const SCOPE = 'what it is for, such as team:search, key:key_… or tag:customer=acme';

function scopePath(input: CommandInput): string {
  const path = pathOfScope(argument(input));
  if (path === undefined)
    throw new UsageError(
      `Write kind:id, such as team:search or key:key_… (organization, team, project, member, tag, key), not "${argument(input)}".`,
    );
  return path;
}

function needed(input: CommandInput, name: string): string {
  const value = textOption(input, name);
  if (value === undefined) throw new UsageError(`--${name} is missing.`);
  return value;
}

export const BUDGET_COMMANDS: readonly Command[] = [
  {
    words: ['budgets', 'show'],
    synopsis: '[SCOPE] [--limit N] [--cursor TEXT]',
    summary: 'show where budgets stand: all of them, or those of one scope (team:search)',
    help: PAGE_HELP,
    options: PAGE_OPTIONS,
    argument: SCOPE,
    isArgumentOptional: true,
    request: (input) => ({
      method: 'GET',
      path: input.positionals.length === 0 ? '/admin/budgets' : scopePath(input),
      query: pageQuery(input),
    }),
    show: budgetsText,
  },
  {
    words: ['budgets', 'set'],
    synopsis: 'SCOPE --budget USD/WINDOW [--budget …] [--soft-limit SHARE]',
    summary: 'replace all budgets of a scope (team:search)',
    help: BUDGET_HELP,
    options: { budget: RULE_OPTIONS.budget, 'soft-limit': RULE_OPTIONS['soft-limit'] },
    argument: SCOPE,
    request(input) {
      // The command declares these very options, so parseArgs has given each its type.
      const { budgets } = ruleFields(input.values as RuleOptionValues);
      if (budgets === undefined) throw new UsageError('--budget is missing.');
      return { method: 'PATCH', path: scopePath(input), body: { budgets } };
    },
    show: budgetsText,
  },
  {
    words: ['budgets', 'increase'],
    synopsis: 'SCOPE --amount USD[/WINDOW] --expires WHEN --reason TEXT',
    summary: 'add to the budgets of a scope (team:search), for a while',
    help: `  --amount USD[/WINDOW]  100, 100/month, or 100/month@openai/gpt-5 for the budget on that model
  --expires WHEN         2027-01-31, 2027-01-31T12:00:00Z, or from now: 12h, 30d
  --reason TEXT          shown beside the budget
  To take increases back: "update --clear increase" of the key, team, …`,
    options: { amount: { type: 'string' }, expires: { type: 'string' }, reason: { type: 'string' } },
    argument: SCOPE,
    request(input) {
      // Refuses what names no scope.
      scopePath(input);
      const body = given({
        ...readIncrease(needed(input, 'amount')),
        expires_at: readExpiry(needed(input, 'expires'), input.nowMs),
        reason: needed(input, 'reason'),
      });
      return { method: 'POST', path: `/admin/budgets/${encodeURIComponent(argument(input))}/increase`, body };
    },
    show: budgetsText,
  },
];
