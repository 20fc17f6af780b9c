import { type Budget, type Scope, type ScopePolicy, scopeName } from '../domain/money/budget.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import { type WindowId, windowIdsAt } from '../domain/money/window.ts';
import type { OwnScopePolicy } from '../domain/request-record.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import { NO_RULES, type ScopeRules, type ScopeSettings } from '../domain/scope-settings.ts';
import { budgetsAt, facetOf, policiesOf, scopesAbove, tagScope } from '../domain/scopes-of-request.ts';
import type { Caller, Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/** What bounds the money of a request that one deployment answers. */
export interface RequestScopes {
  /** Organization, team, project, member, tags with settings, key; each facet that counts the deployment beside its scope. */
  readonly shared: readonly ScopePolicy[];
  /** The session and the end user, where they are limited. */
  readonly own: readonly OwnScopePolicy[];
}

/** A scope a request counts in, and what the operator says of it. */
export interface RuledScope {
  readonly scope: Scope;
  readonly rules: ScopeRules & { readonly policyVersion: number };
}

/** Of a scope that has no settings. */
export const UNSET_RULES = { ...NO_RULES, policyVersion: 0 };

/** Every scope many requests share that a request counts in, from the organization down to the key. */
export function ruledScopes({ key, scopes }: Caller, tags: readonly ScopeSettings[]): readonly RuledScope[] {
  const found = new Map(scopes.map((settings) => [scopeName(settings.scope), settings]));
  // Without settings a tag counts nothing; the others are counted all the same, for the day they get a budget.
  const above = scopesAbove(key).flatMap((scope): RuledScope[] => {
    const rules = found.get(scopeName(scope));
    return rules === undefined && scope.kind === 'tag' ? [] : [{ scope, rules: rules ?? UNSET_RULES }];
  });
  const pinned = new Set(above.map(({ scope }) => scopeName(scope)));
  const named = tags.filter(({ scope }) => !pinned.has(scopeName(scope)));
  return [
    ...above,
    ...named.map((rules) => ({ scope: rules.scope, rules })),
    { scope: { kind: 'key', id: key.id }, rules: key },
  ];
}

/** A scope's budgets on everything, and those of each facet it has, whoever answers. */
export function everyPolicy({ scope, rules }: RuledScope, nowMs: number): readonly ScopePolicy[] {
  const budgets = budgetsAt(rules, nowMs);
  return [undefined, ...new Set(budgets.flatMap((budget) => facetOf(budget) ?? []))].map((facet) => ({
    scope: facet === undefined ? scope : { ...scope, facet },
    policyVersion: rules.policyVersion,
    budgets: budgets.filter((budget) => facetOf(budget) === facet),
  }));
}

/** Those of a request's tags that have settings. */
export async function tagsWithSettings(
  gateway: Pick<Gateway, 'tags'>,
  tags: Readonly<Record<string, string>>,
): Promise<readonly ScopeSettings[]> {
  return Object.keys(tags).length === 0 ? [] : settingsIn(await gateway.tags.current(), tags);
}

/** The same, read anew. */
export async function tagsAgain(
  gateway: Pick<Gateway, 'tags'>,
  tags: Readonly<Record<string, string>>,
): Promise<readonly ScopeSettings[]> {
  return Object.keys(tags).length === 0 ? [] : settingsIn(await gateway.tags.again(), tags);
}

const settingsIn = (
  directory: ReadonlyMap<string, ScopeSettings>,
  tags: Readonly<Record<string, string>>,
): readonly ScopeSettings[] =>
  Object.entries(tags).flatMap(([name, value]) => directory.get(scopeName(tagScope(name, value))) ?? []);

/** What bounds the money of this request, if a deployment answers it. */
export function scopesFor(
  gateway: Pick<Gateway, 'clock' | 'hashSecret'>,
  exchange: Exchange,
  deployment: Pick<Deployment, 'id' | 'provider'>,
): RequestScopes {
  const at = { deployment, nowMs: gateway.clock.now() };
  return {
    shared: ruledScopes(exchange.caller, exchange.tags).flatMap(({ scope, rules }) =>
      policiesOf(scope, rules, at),
    ),
    own: ownScopes(gateway, exchange),
  };
}

function ownScopes(
  gateway: Pick<Gateway, 'hashSecret'>,
  { caller: { key }, facts, request }: Exchange,
): readonly OwnScopePolicy[] {
  const ownId = (name: string): string => `${key.id}/${shortName(gateway, name)}`;
  const { sessionLimits, endUserBudget } = key;
  const { sessionCaps } = request.options;
  const maxCost = least([sessionLimits?.maxCost, sessionCaps.maxCost]);
  const maxCalls = least([sessionLimits?.maxCalls, sessionCaps.maxCalls]);
  const isLimited = maxCost !== undefined || maxCalls !== undefined;
  // Requests that name no end user share one budget: leaving the name out must not be a way around it.
  const endUser = facts.endUser ?? '';
  return [
    ...(facts.session !== undefined && isLimited
      ? [
          {
            scope: { kind: 'session', id: ownId(facts.session) } as const,
            policyVersion: undefined,
            budgets: maxCost === undefined ? [] : [totalBudget(maxCost)],
            ...(maxCalls !== undefined && { maxCalls }),
          },
        ]
      : []),
    ...(endUserBudget === undefined
      ? []
      : [
          {
            scope: { kind: 'end-user', id: ownId(endUser) } as const,
            policyVersion: undefined,
            budgets: [endUserBudget],
          },
        ]),
  ];
}

const LONGEST_NAME = 200;

/** What a caller calls a session is any text, of any length: a long one is named by its hash. */
function shortName(gateway: Pick<Gateway, 'hashSecret'>, name: string): string {
  const encoded = encodeURIComponent(name.toWellFormed());
  return encoded.length <= LONGEST_NAME ? encoded : gateway.hashSecret(encoded);
}

const totalBudget = (limit: NanoUsd): Budget => ({ window: 'total', limit, mode: 'hard', softLimits: [] });

const least = <Amount extends number | bigint>(
  amounts: readonly (Amount | undefined)[],
): Amount | undefined =>
  amounts.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined);

/** Whether a hard budget holds the request, so that what it may cost must be bounded. */
export const isHeldBy = ({ shared, own }: RequestScopes): boolean =>
  [...shared, ...own].some(({ budgets }) => budgets.some(({ mode }) => mode === 'hard'));

/** The periods that are counted, the shortest first: hours only where something is limited by the hour. */
export function countedWindows(shared: readonly ScopePolicy[], nowMs: number): readonly WindowId[] {
  const isHourly = shared.some(({ budgets }) => budgets.some(({ window }) => window === 'hour'));
  return windowIdsAt(nowMs).slice(isHourly ? 0 : 1);
}
