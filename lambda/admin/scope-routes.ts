import { GatewayError } from '../domain/errors.ts';
import type { ScopeSettings, SettableKind } from '../domain/scope-settings.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { ScopeStore } from '../ports/key-store.ts';
import type { Ledger } from '../ports/ledger.ts';
import { changeAgain } from './change-again.ts';
import { inBatches } from './in-batches.ts';
import { readPage } from './pages.ts';
import { readJsonObject } from './read-body.ts';
import {
  blankSettings,
  changeSettings,
  clearedSettings,
  settingsFromBody,
  wholeSettings,
} from './scope-body.ts';
import { standingBudgets } from './scope-budgets.ts';
import { noSuchScope, scopeInPath } from './scope-ids.ts';
import { settingsView } from './scope-view.ts';

export interface ScopeRouteDependencies {
  readonly scopes: ScopeStore;
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly clock: Clock;
}

type SettableScope = ScopeSettings['scope'];

/** `GET /admin/teams?limit=&cursor=`, newest first; so for the other kinds. */
export async function listScopes(
  kind: SettableKind,
  request: HttpRequest,
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const page = await dependencies.scopes.list(kind, readPage(request.query));
  const data = await inBatches(page.items, (settings) => viewNow(settings, dependencies));
  return jsonResponse(200, { data, next_cursor: page.nextCursor ?? null });
}

/** `POST /admin/teams` with an `id`. A scope that has settings is not replaced. */
export async function createScope(
  kind: SettableKind,
  request: HttpRequest,
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const wanted = settingsFromBody(kind, readJsonObject(request), dependencies.clock.now());
  const created = await changeSettingsOf(wanted.scope, dependencies, (standing) => {
    if (isSet(standing))
      throw new GatewayError(
        'invalid_request',
        `The ${kind} ${JSON.stringify(wanted.scope.id)} has settings already: change those.`,
        { param: 'id' },
      );
    return { ...wanted, policyVersion: standing.policyVersion };
  });
  return jsonResponse(201, await viewNow(created, dependencies));
}

/** `GET /admin/teams/{id}` */
export async function showScope(
  kind: SettableKind,
  pathPart: string,
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const settings = await existingSettings(scopeInPath(kind, pathPart), dependencies.scopes);
  return jsonResponse(200, await viewNow(settings, dependencies));
}

/** `PUT /admin/teams/{id}`: makes the settings, or replaces all of them but increases, which have a route of their own. */
export async function putScope(
  kind: SettableKind,
  scope: { readonly pathPart: string; readonly request: HttpRequest },
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const body = readJsonObject(scope.request);
  const nowMs = dependencies.clock.now();
  let status = 200;
  const settings = await changeSettingsOf(scopeInPath(kind, scope.pathPart), dependencies, (standing) => {
    status = isSet(standing) ? 200 : 201;
    return wholeSettings(standing, body, nowMs);
  });
  return jsonResponse(status, await viewNow(settings, dependencies));
}

/** `PATCH /admin/teams/{id}` */
export async function updateScope(
  kind: SettableKind,
  scope: { readonly pathPart: string; readonly request: HttpRequest },
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const body = readJsonObject(scope.request);
  const nowMs = dependencies.clock.now();
  const changed = await changeSettingsOf(scopeInPath(kind, scope.pathPart), dependencies, (standing) =>
    changeSettings(existing(standing), body, nowMs),
  );
  return jsonResponse(200, await viewNow(changed, dependencies));
}

/**
 * `DELETE /admin/teams/{id}`: takes the settings away. What was spent stays counted, and keys may go on naming the scope.
 */
export async function clearScope(
  kind: SettableKind,
  pathPart: string,
  dependencies: ScopeRouteDependencies,
): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const cleared = await changeSettingsOf(scopeInPath(kind, pathPart), dependencies, (standing) =>
    clearedSettings(existing(standing), nowMs),
  );
  return jsonResponse(200, await viewNow(cleared, dependencies));
}

/** Settings that stand. @throws GatewayError `not_found` */
export async function existingSettings(
  scope: SettableScope,
  scopes: Pick<ScopeStore, 'find'>,
): Promise<ScopeSettings> {
  const found = await scopes.find(scope);
  return existing(found ?? blankSettings(scope, 0));
}

/** Changes a scope's settings on top of what stands there, which may be none. */
export const changeSettingsOf = (
  scope: SettableScope,
  { scopes, clock }: Pick<ScopeRouteDependencies, 'scopes' | 'clock'>,
  apply: (standing: ScopeSettings) => ScopeSettings,
): Promise<ScopeSettings> =>
  changeAgain({
    read: async () => (await scopes.find(scope)) ?? blankSettings(scope, clock.now()),
    apply,
    put: (settings) => scopes.put(settings),
  });

/** The settings, if there are any. @throws GatewayError `not_found` */
export function existing(settings: ScopeSettings): ScopeSettings {
  if (!isSet(settings)) throw noSuchScope(settings.scope.kind, settings.scope.id);
  return settings;
}

const isSet = ({ policyVersion, clearedAtMs }: ScopeSettings): boolean =>
  policyVersion > 0 && clearedAtMs === undefined;

/** Settings with where their budgets stand now. */
async function viewNow(
  settings: ScopeSettings,
  { ledger, clock }: Pick<ScopeRouteDependencies, 'ledger' | 'clock'>,
) {
  const nowMs = clock.now();
  return settingsView(settings, await standingBudgets(settings.scope, settings, { ledger, nowMs }), nowMs);
}
