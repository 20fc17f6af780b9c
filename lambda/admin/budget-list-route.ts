import { exhaustedAtMs } from '../domain/money/forecast.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import { isoTime } from '../http/budget-view.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { Page } from '../ports/key-store.ts';
import type { Ledger } from '../ports/ledger.ts';
import {
  type BudgetedScope,
  type BudgetedScopesSource,
  budgetedPage,
  LISTED_KINDS,
  type ListedKind,
} from './budgeted-scopes.ts';
import { inBatches } from './in-batches.ts';
import { noSuchCursor, type PageRequest, readPage } from './pages.ts';
import { standingBudgets, standingBudgetView } from './scope-budgets.ts';
import { scopeText } from './scope-ids.ts';

export interface BudgetListDependencies extends BudgetedScopesSource {
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly clock: Clock;
}

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
): Promise<{ readonly scopes: readonly BudgetedScope[]; readonly nextCursor: string | undefined }> {
  const scopes: BudgetedScope[] = [];
  let place: Place | undefined = cursor === undefined ? { kind: 'organization' } : placeOf(cursor);
  for (let reads = 0; reads < MOST_READS && place !== undefined && scopes.length < limit; reads += 1) {
    const { kind, inner }: Place = place;
    const page: Page<BudgetedScope> = await budgetedPage(dependencies, kind, {
      isWanted: isNotRevoked,
      // Never more than still fit, so that a page of the store is always used up.
      limit: limit - scopes.length,
      ...(inner !== undefined && { cursor: inner }),
    });
    scopes.push(...page.items);
    place = page.nextCursor === undefined ? startOfNext(kind) : { kind, inner: page.nextCursor };
  }
  return { scopes, nextCursor: place === undefined ? undefined : cursorOf(place) };
}

const isNotRevoked = ({ state }: VirtualKey): boolean => state !== 'revoked';

/** Where in the lists of all kinds a page ended: within one, or before its beginning. */
interface Place {
  readonly kind: ListedKind;
  readonly inner?: string;
}

function startOfNext(kind: ListedKind): Place | undefined {
  const next = LISTED_KINDS[LISTED_KINDS.indexOf(kind) + 1];
  return next === undefined ? undefined : { kind: next };
}

const cursorOf = ({ kind, inner = '' }: Place): string => `${kind}.${inner}`;

function placeOf(cursor: string): Place {
  const at = cursor.indexOf('.');
  const kind = LISTED_KINDS.find((known) => known === cursor.slice(0, at));
  if (kind === undefined) throw noSuchCursor();
  const inner = cursor.slice(at + 1);
  return inner === '' ? { kind } : { kind, inner };
}
