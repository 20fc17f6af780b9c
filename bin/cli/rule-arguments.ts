import { UsageError } from './cli-errors.ts';
import { readBudget, readPairs, readRate, readShare } from './read-values.ts';

/** Options that set what keys and all other scopes can have, for `parseArgs`. */
export const RULE_OPTIONS = {
  budget: { type: 'string', multiple: true },
  'soft-limit': { type: 'string', multiple: true },
  'requests-per-minute': { type: 'string', multiple: true },
  'tokens-per-minute': { type: 'string', multiple: true },
  'concurrent-requests': { type: 'string', multiple: true },
  model: { type: 'string', multiple: true },
  provider: { type: 'string', multiple: true },
  metadata: { type: 'string', multiple: true },
} as const;

export const BUDGET_HELP = `  --budget USD/WINDOW    5/month, 0.5/hour: a hard limit; 5/month/soft only tells; 5/month@openai/gpt-5,
                         5/month@openai/* or 5/month@openai counts what that model or provider answers.
                         Repeatable: one for each window (hour, day, week, month, total), model and provider
  --soft-limit SHARE     0.8: when to tell, as a share of every --budget given (repeatable)`;

export const RULE_HELP = `${BUDGET_HELP}
  --requests-per-minute N, --tokens-per-minute N, --concurrent-requests N
                         60, or 60@openai/gpt-5 for one model or provider (repeatable)
  --model NAME           a model that may be called (repeatable; default: all)
  --provider NAME        a provider that may answer (repeatable; default: all)
  --metadata NAME=VALUE  kept with it (repeatable)`;

/** Fields that `update --clear` can empty, by their option, with their name in the API. */
export const CLEARABLE_RULES: Readonly<Record<string, string>> = {
  budget: 'budgets',
  increase: 'increases',
  'rate-limits': 'rate_limits',
  model: 'models',
  provider: 'providers',
  metadata: 'metadata',
};

const RATES = {
  'requests-per-minute': 'requests_per_minute',
  'tokens-per-minute': 'tokens_per_minute',
  'concurrent-requests': 'concurrent_requests',
} as const;

export type RuleOptionValues = Readonly<
  Partial<Record<keyof typeof RULE_OPTIONS, readonly string[] | undefined>>
>;

/** The fields that the options stand for; `undefined` for what is not given. @throws UsageError */
export function ruleFields(values: RuleOptionValues): Readonly<Record<string, unknown>> {
  const softLimits = values['soft-limit']?.map(readShare);
  if (softLimits !== undefined && values.budget === undefined)
    throw new UsageError('--soft-limit belongs to a --budget: give both.');
  return {
    budgets: values.budget?.map((text) => ({ ...readBudget(text), soft_limits: softLimits })),
    rate_limits: rateLimits(values),
    models: values.model,
    providers: values.provider,
    metadata: values.metadata && readPairs(values.metadata, '--metadata'),
  };
}

/** One limit for each model and provider, with all rates given for it. */
function rateLimits(values: RuleOptionValues): readonly object[] | undefined {
  const limits = new Map<string, Record<string, unknown>>();
  // The names are the object's own keys.
  for (const option of Object.keys(RATES) as (keyof typeof RATES)[])
    for (const text of values[option] ?? []) {
      const { count, facet } = readRate(text, `--${option}`);
      const name = JSON.stringify(facet);
      const limit = limits.get(name) ?? { ...facet };
      if (RATES[option] in limit) throw new UsageError(`--${option} is given twice for the same.`);
      limits.set(name, { ...limit, [RATES[option]]: count });
    }
  return limits.size === 0 ? undefined : [...limits.values()];
}

/** Fields to empty. @throws UsageError for what cannot be emptied */
export function clearedFields(
  names: readonly string[],
  clearable: Readonly<Record<string, string>>,
): Readonly<Record<string, null>> {
  return Object.fromEntries(
    names.map((name) => {
      const field = Object.hasOwn(clearable, name) ? clearable[name] : undefined;
      if (field === undefined)
        throw new UsageError(`--clear takes one of ${Object.keys(clearable).join(', ')}, not "${name}".`);
      return [field, null];
    }),
  );
}

/** A body without the fields that nothing was given for. */
export const given = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));

/** A body of a change. @throws UsageError where it would change nothing */
export function changeBody(
  cleared: Readonly<Record<string, null>>,
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const body = { ...cleared, ...fields };
  if (Object.keys(body).length === 0) throw new UsageError('Give at least one option: what is to change?');
  return body;
}
