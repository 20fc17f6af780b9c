import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { NO_RULES, type ScopeSettings, type SettableKind } from '../domain/scope-settings.ts';
import { nameField, validated } from './body-schema.ts';
import { changedRules, RULE_FIELDS } from './rules-body.ts';
import { faultOfId } from './scope-ids.ts';

const changeSchema = z.strictObject({ name: z.optional(nameField), ...RULE_FIELDS });
const newSchema = z.strictObject({
  id: z.string('must be text'),
  name: z.optional(nameField),
  ...RULE_FIELDS,
});

/** A scope of which nothing has been said yet. */
export const blankSettings = (scope: ScopeSettings['scope'], nowMs: number): ScopeSettings => ({
  scope,
  ...NO_RULES,
  name: scope.id,
  metadata: {},
  policyVersion: 0,
  createdAtMs: nowMs,
});

/**
 * The settings that a body of `POST /admin/teams` (or of another kind) asks for.
 * @throws GatewayError `invalid_request` that names the fields at fault, `unsupported_parameter` for what is not enforced
 */
export function settingsFromBody(kind: SettableKind, body: JsonObject, nowMs: number): ScopeSettings {
  const { id, ...change } = validated(newSchema, body);
  const fault = faultOfId(kind, id);
  if (fault !== undefined) throw new GatewayError('invalid_request', `id: ${fault}.`, { param: 'id' });
  return changedSettings(blankSettings({ kind, id }, nowMs), change, nowMs);
}

/**
 * The settings that a body of `PUT /admin/teams/{id}` asks for: what it does not give is empty, but increases stay.
 * @throws GatewayError as above
 */
export function wholeSettings(standing: ScopeSettings, body: JsonObject, nowMs: number): ScopeSettings {
  const { scope, policyVersion, increases, createdAtMs, clearedAtMs } = standing;
  const blank = blankSettings(scope, clearedAtMs === undefined ? createdAtMs : nowMs);
  return changedSettings({ ...blank, policyVersion, increases }, validated(changeSchema, body), nowMs);
}

/**
 * Settings as a body of `PATCH /admin/teams/{id}` changes them, as with keys.
 * @throws GatewayError as above, and `invalid_request` where the body has no field
 */
export function changeSettings(before: ScopeSettings, body: JsonObject, nowMs: number): ScopeSettings {
  if (Object.keys(body).length === 0)
    throw new GatewayError('invalid_request', 'The body has no field: there is nothing to change.');
  return changedSettings(before, validated(changeSchema, body), nowMs);
}

const changedSettings = (
  before: ScopeSettings,
  change: z.output<typeof changeSchema>,
  nowMs: number,
): ScopeSettings => ({
  ...before,
  name: change.name ?? before.name,
  ...changedRules(before, change, nowMs),
});

/**
 * What is left of settings that are taken away: no rules. The version goes on, so that whoever still holds the old ones is
 * refused by the store, and so do the scope's counters.
 */
export const clearedSettings = (before: ScopeSettings, nowMs: number): ScopeSettings => ({
  ...blankSettings(before.scope, before.createdAtMs),
  policyVersion: before.policyVersion,
  clearedAtMs: nowMs,
});
