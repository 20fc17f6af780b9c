import { UsageError } from './cli-errors.ts';

/** Options of `keys create` and `keys update`, for `parseArgs`. */
export const KEY_OPTIONS = {
  name: { type: 'string' },
  organization: { type: 'string' },
  team: { type: 'string' },
  project: { type: 'string' },
  member: { type: 'string' },
  budget: { type: 'string', multiple: true },
  'soft-limit': { type: 'string', multiple: true },
  model: { type: 'string', multiple: true },
  provider: { type: 'string', multiple: true },
  tag: { type: 'string', multiple: true },
  metadata: { type: 'string', multiple: true },
  expires: { type: 'string' },
} as const;

export const KEY_OPTIONS_HELP = `  --name TEXT            what people call the key
  --organization, --team, --project, --member ID
                         whose it is, for reports
  --budget USD/WINDOW    5/month, 0.5/hour: a hard limit; 5/month/soft only tells. Once for each of hour, day, week,
                         month, total
  --soft-limit SHARE     0.8: when to tell, as a share of every --budget given (repeatable)
  --model NAME           a model it may call (repeatable; default: all)
  --provider NAME        a provider that may answer it (repeatable; default: all)
  --tag NAME=VALUE       pinned on its requests (repeatable)
  --metadata NAME=VALUE  kept with the key (repeatable)
  --expires WHEN         2027-01-31, 2027-01-31T12:00:00Z, or from now: 12h, 30d`;

/** The fields that `keys update --clear` can empty, by their option, with their name in the API. */
const CLEARABLE: Readonly<Record<string, string>> = {
  organization: 'organization',
  team: 'team',
  project: 'project',
  member: 'member',
  budget: 'budgets',
  model: 'models',
  provider: 'providers',
  tag: 'tags',
  metadata: 'metadata',
  expires: 'expires_at',
};

export interface KeyOptionValues {
  readonly name?: string | undefined;
  readonly organization?: string | undefined;
  readonly team?: string | undefined;
  readonly project?: string | undefined;
  readonly member?: string | undefined;
  readonly budget?: readonly string[] | undefined;
  readonly 'soft-limit'?: readonly string[] | undefined;
  readonly model?: readonly string[] | undefined;
  readonly provider?: readonly string[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly metadata?: readonly string[] | undefined;
  readonly expires?: string | undefined;
}

/** The body that key options stand for; an option that is not given leaves no field. @throws UsageError */
export function keyBody(values: KeyOptionValues, nowMs: number): Readonly<Record<string, unknown>> {
  const softLimits = values['soft-limit']?.map(readShare);
  if (softLimits !== undefined && values.budget === undefined)
    throw new UsageError('--soft-limit belongs to a --budget: give both.');
  const body = {
    name: values.name,
    organization: values.organization,
    team: values.team,
    project: values.project,
    member: values.member,
    budgets: values.budget?.map((text) => ({ ...readBudget(text), soft_limits: softLimits })),
    models: values.model,
    providers: values.provider,
    tags: values.tag && readPairs(values.tag, '--tag'),
    metadata: values.metadata && readPairs(values.metadata, '--metadata'),
    expires_at: values.expires === undefined ? undefined : readExpiry(values.expires, nowMs),
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** Fields to empty. @throws UsageError for what cannot be emptied */
export function clearedFields(names: readonly string[]): Readonly<Record<string, null>> {
  return Object.fromEntries(
    names.map((name) => {
      const field = Object.hasOwn(CLEARABLE, name) ? CLEARABLE[name] : undefined;
      if (field === undefined)
        throw new UsageError(`--clear takes one of ${Object.keys(CLEARABLE).join(', ')}, not "${name}".`);
      return [field, null];
    }),
  );
}

function readBudget(text: string): { limit_usd: number; window: string; mode?: string } {
  const match = /^\$?(\d+(?:\.\d+)?|\.\d+)\/(hour|day|week|month|total)(?:\/(hard|soft))?$/.exec(text);
  const [, amount = '', window = '', mode] = match ?? [];
  if (match === null)
    throw new UsageError(
      `--budget takes dollars/window, such as 5/month (hour, day, week, month or total), not "${text}".`,
    );
  return { limit_usd: Number(amount), window, ...(mode === undefined ? {} : { mode }) };
}

function readShare(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share < 1))
    throw new UsageError(`--soft-limit takes a share above 0 and below 1, such as 0.8, not "${text}".`);
  return share;
}

function readPairs(pairs: readonly string[], option: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`${option} takes name=value, not "${pair}".`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

const HOUR_MS = 3_600_000;

function readExpiry(text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const timeMs =
    count === undefined ? Date.parse(text) : nowMs + Number(count) * (unit === 'd' ? 24 * HOUR_MS : HOUR_MS);
  if (Number.isNaN(timeMs))
    throw new UsageError(`--expires takes a time such as 2027-01-31T12:00:00Z, 12h or 30d, not "${text}".`);
  return new Date(timeMs).toISOString();
}
