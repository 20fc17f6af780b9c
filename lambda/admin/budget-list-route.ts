import type { Scope } from '../domain/money/budget.ts';
import { exhaustedAtMs } from '../domain/money/forecast.ts';
import { type ScopeRules, SETTABLE_KINDS, type SettableKind } from '../domain/scope-settings.ts';
import { isoTime } from '../http/budget-view.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore, Page, ScopeStore } from '../ports/key-store.ts';
import type { Ledger } from '../ports/ledger.ts';
import { inBatches } from './in-batches.ts';
import { noSuchCursor, type PageRequest, readPage } from './pages.ts';
import { standingBudgets, standingBudgetView } from './scope-budgets.ts';
import { scopeText } from './scope-ids.ts';

export interface BudgetListDependencies {
  readonly keys: Pick<KeyStore, 'list'>;
  readonly scopes: Pick<ScopeStore, 'list'>;
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly clock: Clock;
}

/** Something with budgets. */
interface Budgeted {
  readonly scope: Scope;
  readonly name: string;
  readonly rules: ScopeRules;
  readonly createdAtMs: number;
}

type ListedKind = SettableKind | 'key';
const KINDS: readonly ListedKind[] = [...SETTABLE_KINDS, 'key'];

/** Pages of the store that one answer looks through: most keys may have no budget. */
const MOST_READS = 10;

/**
 * `GET /admin/budgets?limit=&cursor=`: every budget of every scope, in the order organizations, teams, projects, members,
 * tags, keys, and the newest of each first. A page has the budgets of `limit` scopes at most, all of each, and may have
 * fewer while there are more pages. Revoked keys are left out.
 */
export async function listBudgets(
  request: HttpRequest,
  dependencies: BudgetListDependencies,
): Promise<HttpResponse> {
  const { scopes, nextCursor } = await budgetedScopes(readPage(request.query), dependencies);
  const nowMs = dependencies.clock.now();
  const { ledger } = dependencies;
  const data = await inBatches(scopes, async ({ scope, name, rules, createdAtMs }) => {
    const budgets = await standingBudgets(scope, rules, { ledger, nowMs });
    return budgets.map((budget) => ({
      scope: scopeText(scope),
      kind: scope.kind,
      id: scope.id,
      name,
      ...standingBudgetView(budget),
      forecast_exhausted_at: isoTime(exhaustedAtMs(budget.state, createdAtMs, nowMs)),
    }));
  });
  return jsonResponse(200, { data: data.flat(), next_cursor: nextCursor ?? null });
}

async function budgetedScopes(
  { limit, cursor }: PageRequest,
  dependencies: BudgetListDependencies,
): Promise<{ readonly scopes: readonly Budgeted[]; readonly nextCursor: string | undefined }> {
  const scopes: Budgeted[] = [];
  let place: Place | undefined = cursor === undefined ? { kind: 'organization' } : placeOf(cursor);
  for (let reads = 0; reads < MOST_READS && place !== undefined && scopes.length < limit; reads += 1) {
    const { kind, inner }: Place = place;
    const page: Page<Budgeted> = await pageOf(dependencies, kind, {
      // Never more than still fit, so that a page of the store is always used up.
      limit: limit - scopes.length,
      ...(inner !== undefined && { cursor: inner }),
    });
    scopes.push(...page.items.filter(({ rules }) => rules.budgets.length > 0));
    place = page.nextCursor === undefined ? startOfNext(kind) : { kind, inner: page.nextCursor };
  }
  return { scopes, nextCursor: place === undefined ? undefined : cursorOf(place) };
}

async function pageOf(
  { keys, scopes }: BudgetListDependencies,
  kind: ListedKind,
  page: PageRequest,
): Promise<Page<Budgeted>> {
  if (kind !== 'key') {
    const { items, nextCursor } = await scopes.list(kind, page);
    return { items: items.map((it) => ({ ...it, rules: it })), nextCursor };
  }
  const { items, nextCursor } = await keys.list(page);
  const standing = items.filter(({ state }) => state !== 'revoked');
  return {
    items: standing.map((key) => ({ ...key, scope: { kind: 'key', id: key.id }, rules: key })),
    nextCursor,
  };
}

/** Where in the lists of all kinds a page ended: within one, or before its beginning. */
interface Place {
  readonly kind: ListedKind;
  readonly inner?: string;
}

function startOfNext(kind: ListedKind): Place | undefined {
  const next = KINDS[KINDS.indexOf(kind) + 1];
  return next === undefined ? undefined : { kind: next };
}

const cursorOf = ({ kind, inner = '' }: Place): string => `${kind}.${inner}`;

function placeOf(cursor: string): Place {
  const at = cursor.indexOf('.');
  const kind = KINDS.find((known) => known === cursor.slice(0, at));
  if (kind === undefined) throw noSuchCursor();
  const inner = cursor.slice(at + 1);
  return inner === '' ? { kind } : { kind, inner };
}
