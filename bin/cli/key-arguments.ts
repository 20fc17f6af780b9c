import { readBudget, readCount, readDollars, readExpiry, readPairs } from './read-values.ts';
import {
  CLEARABLE_RULES,
  given,
  RULE_HELP,
  RULE_OPTIONS,
  type RuleOptionValues,
  ruleFields,
} from './rule-arguments.ts';

/** Options of `keys create` and `keys update`, for `parseArgs`. */
export const KEY_OPTIONS = {
  name: { type: 'string' },
  organization: { type: 'string' },
  team: { type: 'string' },
  project: { type: 'string' },
  member: { type: 'string' },
  ...RULE_OPTIONS,
  'session-max-cost': { type: 'string' },
  'session-max-calls': { type: 'string' },
  'end-user-budget': { type: 'string' },
  cache: { type: 'string' },
  tag: { type: 'string', multiple: true },
  expires: { type: 'string' },
} as const;

export const KEY_OPTIONS_HELP = `  --name TEXT            what people call the key
  --organization, --team, --project, --member ID
                         whose it is: their budgets and limits bind it too
${RULE_HELP}
  --session-max-cost USD, --session-max-calls N
                         what one session (an agent's run) may use in all
  --end-user-budget USD/WINDOW
                         0.5/day: for each end user of the key
  --cache MODE           off, exact or semantic: whether finished answers are given again
  --tag NAME=VALUE       pinned on its requests (repeatable)
  --expires WHEN         2027-01-31, 2027-01-31T12:00:00Z, or from now: 12h, 30d`;

/** The fields that `keys update --clear` can empty, by their option, with their name in the API. */
export const CLEARABLE_KEY_FIELDS: Readonly<Record<string, string>> = {
  organization: 'organization',
  team: 'team',
  project: 'project',
  member: 'member',
  ...CLEARABLE_RULES,
  'session-limits': 'session_limits',
  'end-user-budget': 'end_user_budget',
  cache: 'cache',
  tag: 'tags',
  expires: 'expires_at',
};

type SingleOption = Exclude<keyof typeof KEY_OPTIONS, keyof typeof RULE_OPTIONS | 'tag'>;
export type KeyOptionValues = RuleOptionValues &
  Readonly<Partial<Record<SingleOption, string | undefined>>> & {
    readonly tag?: readonly string[] | undefined;
  };

/** The body that key options stand for; an option that is not given leaves no field. @throws UsageError */
export function keyBody(values: KeyOptionValues, nowMs: number): Readonly<Record<string, unknown>> {
  const endUserBudget = values['end-user-budget'];
  return given({
    name: values.name,
    organization: values.organization,
    team: values.team,
    project: values.project,
    member: values.member,
    ...ruleFields(values),
    session_limits: sessionLimits(values),
    end_user_budget: endUserBudget === undefined ? undefined : readBudget(endUserBudget, '--end-user-budget'),
    cache: values.cache,
    tags: values.tag && readPairs(values.tag, '--tag'),
    expires_at: values.expires === undefined ? undefined : readExpiry(values.expires, nowMs),
  });
}

function sessionLimits(values: KeyOptionValues): Readonly<Record<string, unknown>> | undefined {
  const { 'session-max-cost': cost, 'session-max-calls': calls } = values;
  if (cost === undefined && calls === undefined) return undefined;
  return given({
    max_cost_usd: cost === undefined ? undefined : readDollars(cost, '--session-max-cost'),
    max_calls: calls === undefined ? undefined : readCount(calls, '--session-max-calls'),
  });
}
