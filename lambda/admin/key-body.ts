import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import type { VirtualKeyId } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { nanoFromUsd } from '../domain/money/nano.ts';
import { newVirtualKey, type SessionLimits, type VirtualKey } from '../domain/virtual-key.ts';
import {
  dollars,
  entries,
  moment,
  nameField,
  objectMessage,
  pattern,
  SCOPE_ID,
  validated,
  whole,
} from './body-schema.ts';
import { budgetFrom, changedRules, RULE_FIELDS, replaced, wholeBudget } from './rules-body.ts';

const MAX_CALLS = 1e9;

const scopeId = z.nullish(pattern(SCOPE_ID.expression, SCOPE_ID.message));

const sessionLimits = z.strictObject(
  { max_cost_usd: z.nullish(dollars()), max_calls: z.nullish(whole(1, MAX_CALLS)) },
  { error: objectMessage('must be an object with max_cost_usd or max_calls') },
);

const CACHE_MODES = ['off', 'exact', 'semantic'] as const;

const fields = {
  organization: scopeId,
  team: scopeId,
  project: scopeId,
  member: scopeId,
  tags: entries,
  ...RULE_FIELDS,
  session_limits: z.nullish(sessionLimits),
  end_user_budget: z.nullish(wholeBudget),
  cache: z.nullish(z.enum(CACHE_MODES, `must be one of ${CACHE_MODES.join(', ')}`)),
  expires_at: z.nullish(moment),
};

const newKeySchema = z.strictObject({ name: nameField, ...fields });
const keyChangeSchema = z.strictObject({ name: z.optional(nameField), ...fields });
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
  const { organization, team, project, member, expiresAtMs, sessionLimits, endUserBudget, cache, ...rest } =
    before;
  return {
    ...rest,
    ...labels(before, change),
    ...expiry(expiresAtMs, change.expires_at, nowMs),
    name: change.name ?? before.name,
    tags: replaced(before.tags, change.tags, {}),
    ...changedRules(before, change, nowMs),
    ...optional('sessionLimits', sessionLimits, change.session_limits, limitsFrom),
    ...optional('endUserBudget', endUserBudget, change.end_user_budget, budgetFrom),
    ...optional('cache', cache, change.cache, (mode) => mode),
  };
}

/** A property that need not be there: as before where nothing is given, gone for null. */
function optional<Name extends string, Value, Given>(
  name: Name,
  before: Value | undefined,
  change: Given | null | undefined,
  from: (given: Given) => Value | undefined,
): { readonly [Property in Name]?: Value } {
  const value = change === undefined ? before : change === null ? undefined : from(change);
  // An object literal with one computed name is typed as a record of any name.
  return (value === undefined ? {} : { [name]: value }) as { readonly [Property in Name]?: Value };
}

/** No limit in it is no limits. */
function limitsFrom(given: z.output<typeof sessionLimits>): SessionLimits | undefined {
  const { max_cost_usd: maxCostUsd, max_calls: maxCalls } = given;
  const limits: SessionLimits = {
    ...(maxCostUsd != null && { maxCost: nanoFromUsd(maxCostUsd) }),
    ...(maxCalls != null && { maxCalls }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

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
