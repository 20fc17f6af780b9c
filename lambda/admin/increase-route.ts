import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import type { BudgetIncrease } from '../domain/money/budget.ts';
import { nanoFromUsd } from '../domain/money/nano.ts';
import { BUDGET_WINDOWS } from '../domain/money/window.ts';
import type { ScopeRules } from '../domain/scope-settings.ts';
import { facetOf, isIncreasedBy } from '../domain/scopes-of-request.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { dollars, line, moment, validated } from './body-schema.ts';
import { changeStanding, type KeyRouteDependencies, showKey } from './key-routes.ts';
import { readJsonObject } from './read-body.ts';
import { facetGiven, LIMITED_TO, standingIncreases } from './rules-body.ts';
import { decodedPart, readScopeText } from './scope-ids.ts';
import { changeSettingsOf, existing, type ScopeRouteDependencies, showScope } from './scope-routes.ts';

const MOST_INCREASES = 50;

const schema = z.strictObject({
  amount_usd: dollars(),
  expires_at: moment,
  reason: line(),
  ...LIMITED_TO,
  window: z.nullish(z.enum(BUDGET_WINDOWS, `must be one of ${BUDGET_WINDOWS.join(', ')}`)),
});

/**
 * `POST /admin/budgets/{scope}/increase`: more money for the budgets of a scope (`team:search`), for a while. The same
 * increase sent again, as after a lost answer, is not added again.
 */
export async function increaseBudget(
  pathPart: string,
  request: HttpRequest,
  dependencies: KeyRouteDependencies & ScopeRouteDependencies,
): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const scope = readScopeText(decodedPart(pathPart) ?? pathPart);
  const increase = increaseFromBody(readJsonObject(request), nowMs);
  const increased = <Rules extends ScopeRules>(rules: Rules): Rules => withIncrease(rules, increase, nowMs);
  if (scope.kind === 'key') {
    await changeStanding(scope.id, dependencies.keys, increased);
    return showKey(scope.id, dependencies);
  }
  await changeSettingsOf(scope, dependencies, (standing) => increased(existing(standing)));
  return showScope(scope.kind, encodeURIComponent(scope.id), dependencies);
}

function increaseFromBody(body: JsonObject, nowMs: number): BudgetIncrease {
  const given = validated(schema, body);
  const { amount_usd: amountUsd, expires_at: expiresAt, reason, window } = given;
  const expiresAtMs = Date.parse(expiresAt);
  if (expiresAtMs <= nowMs)
    throw new GatewayError('invalid_request', 'expires_at: must lie in the future.', { param: 'expires_at' });
  return {
    amount: nanoFromUsd(amountUsd),
    expiresAtMs,
    reason,
    ...(window && { window }),
    ...facetGiven(given),
  };
}

function withIncrease<Rules extends ScopeRules>(
  rules: Rules,
  increase: BudgetIncrease,
  nowMs: number,
): Rules {
  if (!rules.budgets.some((budget) => isIncreasedBy(budget, increase))) throw noSuchBudget(increase);
  const standing = standingIncreases(rules, nowMs);
  if (standing.some((known) => isSame(known, increase))) return rules;
  if (standing.length >= MOST_INCREASES)
    throw new GatewayError(
      'invalid_request',
      `There are ${MOST_INCREASES} increases here already. Raise the budget itself.`,
    );
  return { ...rules, increases: [...standing, increase] };
}

function noSuchBudget({ window, ...limitedTo }: BudgetIncrease): GatewayError {
  const per = window === undefined ? '' : ` per ${window}`;
  const on = facetOf(limitedTo) ?? 'everything';
  return new GatewayError(
    'invalid_request',
    `There is no budget${per} on ${on} here that could be increased.`,
    {
      param: window === undefined ? 'scope' : 'window',
    },
  );
}

const isSame = (a: BudgetIncrease, b: BudgetIncrease): boolean =>
  a.amount === b.amount &&
  a.expiresAtMs === b.expiresAtMs &&
  a.reason === b.reason &&
  a.window === b.window &&
  facetOf(a) === facetOf(b);
