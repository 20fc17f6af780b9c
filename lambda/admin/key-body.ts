import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import type { VirtualKeyId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { type Budget, DEFAULT_SOFT_LIMITS } from '../domain/money/budget.ts';
import { nanoFromUsd } from '../domain/money/nano.ts';
import { BUDGET_WINDOWS } from '../domain/money/window.ts';
import { newVirtualKey, type VirtualKey } from '../domain/virtual-key.ts';

const MAX_NAME_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
const MAX_ENTRIES = 50;
const MAX_LIST_LENGTH = 200;
const MAX_LIMIT_USD = 1e9;
const LEAST_LIMIT_USD = 1e-9;

/** Limits and policies of the contract that nothing enforces here: one that is accepted but does nothing would be a lie. */
const NOT_ENFORCED = [
  'rate_limits',
  'session_limits',
  'end_user_budget',
  'data_policy',
  'guardrails',
  'cache',
  'log',
] as const;

// Control characters would let a name rewrite the terminal or the log it is shown in.
const ONE_LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** Text on one line. */
function line(maxLength: number, least: 0 | 1 = 1) {
  const message = `must be text of ${least} to ${maxLength} characters, without control characters`;
  return z
    .string(message)
    .check(z.minLength(least, message), z.maxLength(maxLength, message), z.regex(ONE_LINE, message));
}

/** An id of the operator's own: of a team, a project, a member (an e-mail address will do). */
function pattern(expression: RegExp, message: string) {
  return z.string(message).check(z.regex(expression, message));
}

const scopeId = z.nullish(
  pattern(
    /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$/,
    'must be 1 to 128 of A-Z a-z 0-9 . _ : @ / + -, beginning with a letter or digit',
  ),
);

const entries = z.nullish(
  z
    .record(
      pattern(
        /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
        'names must be 1 to 128 of A-Z a-z 0-9 . _ : -, beginning with a letter or digit',
      ),
      line(MAX_VALUE_LENGTH, 0),
      `must be an object of at most ${MAX_ENTRIES} names with text values`,
    )
    .check(
      z.refine(
        (record) => Object.keys(record).length <= MAX_ENTRIES,
        `must have at most ${MAX_ENTRIES} names`,
      ),
    ),
);

function list(item: z.ZodMiniType<string>) {
  const message = `must be a list of at most ${MAX_LIST_LENGTH} texts`;
  return z.nullish(z.array(item, message).check(z.maxLength(MAX_LIST_LENGTH, message)));
}

const softLimitMessage = 'must be a share of the limit above 0 and below 1, such as 0.8';
const limitMessage = `must be a number of dollars above 0, at most ${MAX_LIMIT_USD}`;

const budget = z.strictObject(
  {
    limit_usd: z
      .number(limitMessage)
      .check(z.gte(LEAST_LIMIT_USD, limitMessage), z.lte(MAX_LIMIT_USD, limitMessage)),
    window: z.enum(BUDGET_WINDOWS, `must be one of ${BUDGET_WINDOWS.join(', ')}`),
    mode: z.optional(z.enum(['hard', 'soft'], 'must be hard or soft')),
    soft_limits: z.optional(
      z
        .array(
          z.number(softLimitMessage).check(z.gt(0, softLimitMessage), z.lt(1, softLimitMessage)),
          'must be a list of shares of the limit',
        )
        .check(z.maxLength(10, 'must have at most 10 shares')),
    ),
  },
  { error: objectMessage('must be an object with limit_usd and window') },
);

const budgets = z.nullish(
  z
    .array(budget, 'must be a list of budgets')
    .check(
      z.refine(
        (items) => new Set(items.map((item) => item.window)).size === items.length,
        'must have at most one budget for each window',
      ),
    ),
);

const expiresAt = z.nullish(
  z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time with zone, such as 2027-01-31T00:00:00Z' }),
);

const fields = {
  organization: scopeId,
  team: scopeId,
  project: scopeId,
  member: scopeId,
  tags: entries,
  models: list(line(MAX_VALUE_LENGTH)),
  providers: list(pattern(/^[a-z][a-z0-9-]{0,63}$/, 'must be the name of a provider, such as openai')),
  budgets,
  expires_at: expiresAt,
  metadata: entries,
};

const newKeySchema = z.strictObject({ name: line(MAX_NAME_LENGTH), ...fields });
const keyChangeSchema = z.strictObject({ name: z.optional(line(MAX_NAME_LENGTH)), ...fields });
type KeyChange = z.output<typeof keyChangeSchema>;

const LABELS = ['organization', 'team', 'project', 'member'] as const;

/**
 * The key that a body of `POST /admin/keys` asks for.
 * @throws GatewayError `invalid_request` that names the fields at fault, `unsupported_parameter` for what is not enforced
 */
export function keyFromBody(
  body: JsonObject,
  given: { readonly id: VirtualKeyId; readonly hint: string; readonly nowMs: number },
): VirtualKey {
  const { id, hint, nowMs } = given;
  const blank = newVirtualKey({ id, name: '', createdAtMs: nowMs, hint });
  return changedKey(blank, validated(newKeySchema, body), nowMs);
}

/**
 * A key as a body of `PATCH /admin/keys/{id}` changes it: a field that is given replaces the old one whole, null clears
 * it, one that is left out stays.
 * @throws GatewayError as `keyFromBody`, and `invalid_request` where the body has no field
 */
export function changeKey(key: VirtualKey, body: JsonObject, nowMs: number): VirtualKey {
  if (Object.keys(body).length === 0)
    throw new GatewayError('invalid_request', 'The body has no field: there is nothing to change.');
  return changedKey(key, validated(keyChangeSchema, body), nowMs);
}

function changedKey(before: VirtualKey, change: KeyChange, nowMs: number): VirtualKey {
  const { organization, team, project, member, expiresAtMs, ...rest } = before;
  return {
    ...rest,
    ...labels(before, change),
    ...expiry(expiresAtMs, change.expires_at, nowMs),
    name: change.name ?? before.name,
    tags: replaced(before.tags, change.tags, {}),
    models: unique(replaced(before.models, change.models, [])),
    providers: unique(replaced(before.providers, change.providers, [])),
    budgets: change.budgets === undefined ? before.budgets : (change.budgets ?? []).map(budgetFrom),
    metadata: replaced(before.metadata, change.metadata, {}),
  };
}

const replaced = <Value>(before: Value, change: Value | null | undefined, empty: Value): Value =>
  change === undefined ? before : (change ?? empty);

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)];

function labels(before: VirtualKey, change: KeyChange): Pick<VirtualKey, (typeof LABELS)[number]> {
  return Object.fromEntries(
    LABELS.flatMap((name) => {
      const value = replaced<string | null | undefined>(before[name], change[name], null) ?? undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function expiry(
  beforeMs: number | undefined,
  change: string | null | undefined,
  nowMs: number,
): { readonly expiresAtMs?: number } {
  if (change === null) return {};
  if (change === undefined) return beforeMs === undefined ? {} : { expiresAtMs: beforeMs };
  const expiresAtMs = Date.parse(change);
  if (expiresAtMs <= nowMs)
    throw new GatewayError(
      'invalid_request',
      'expires_at: must lie in the future. To end a key now, revoke it.',
      { param: 'expires_at' },
    );
  return { expiresAtMs };
}

const budgetFrom = (item: z.output<typeof budget>): Budget => ({
  window: item.window,
  limit: nanoFromUsd(item.limit_usd),
  mode: item.mode ?? 'hard',
  softLimits: [...new Set(item.soft_limits ?? DEFAULT_SOFT_LIMITS)].sort((a, b) => a - b),
});

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly issues?: readonly { readonly message: string }[];
}

function validated<Output>(schema: z.ZodMiniType<Output>, body: JsonObject): Output {
  const refused = NOT_ENFORCED.filter((name) => body[name] !== undefined);
  if (refused[0] !== undefined)
    throw new GatewayError(
      'unsupported_parameter',
      `This version of Sluice does not enforce ${refused.join(', ')}, so it does not take ${refused.length === 1 ? 'it' : 'them'}.`,
      { param: refused[0] },
    );
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  // Zod types its issues as a union in which only some members have `keys` or `issues`.
  const faults = (result.error.issues as readonly Issue[]).flatMap(faultsOf);
  const message = faults.map((fault) => `${fault.param}: ${fault.text}`).join('; ');
  throw new GatewayError('invalid_request', message.slice(0, 2_000), {
    param: faults[0]?.param ?? '',
  });
}

function faultsOf(issue: Issue): { readonly param: string; readonly text: string }[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? []).map((name) => ({
      param: path === '' ? name : `${path}.${name}`,
      text: 'unknown field',
    }));
  return [{ param: path, text: issue.issues?.[0]?.message ?? issue.message }];
}

/** Says what the object has to be, and leaves unknown fields to be named one by one. */
function objectMessage(
  message: string,
): (issue: { readonly code?: string | undefined }) => string | undefined {
  return (issue) => (issue.code === 'unrecognized_keys' ? undefined : message);
}
