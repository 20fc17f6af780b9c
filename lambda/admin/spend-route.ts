import { virtualKeyId } from '../domain/ids.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { SpendReports } from '../ports/ledger.ts';
import { inBatches } from './in-batches.ts';
import { parseSpendQuery, type SpendGroup } from './spend-query.ts';
import { type SpendRow, spendReport, sumsView } from './spend-report.ts';

/** Names are looked up for the dearest rows only: each is one read. */
const MAX_NAMES = 100;
/** Rows of an answer, dearest first: a function may answer no more than 6 MB. */
const MAX_ROWS = 10_000;

export interface SpendRouteDependencies {
  readonly keys: Pick<KeyStore, 'find'>;
  readonly reports: SpendReports;
  readonly clock: Clock;
}

/** `GET /admin/spend?from=&to=&group_by=`. A value that requests do not have is null. */
export async function showSpend(
  request: HttpRequest,
  dependencies: SpendRouteDependencies,
): Promise<HttpResponse> {
  const query = parseSpendQuery(request.query, dependencies.clock.now());
  const { from, to, groupBy } = query;
  const { rows, total } = await spendReport(dependencies.reports, query);
  const shown = rows.slice(0, MAX_ROWS);
  const names = await keyNames(shown, groupBy, dependencies.keys);
  return jsonResponse(200, {
    from,
    to,
    group_by: groupBy,
    data: shown.map((row) => ({ ...groupsView(row, groupBy, names), ...sumsView(row) })),
    omitted_rows: rows.length - shown.length,
    total: sumsView(total),
  });
}

async function keyNames(
  rows: readonly SpendRow[],
  groupBy: readonly SpendGroup[],
  keys: Pick<KeyStore, 'find'>,
): Promise<ReadonlyMap<string, string>> {
  const at = groupBy.indexOf('key');
  const ids = [...new Set(rows.flatMap(({ values }) => values[at] ?? []))].slice(0, MAX_NAMES);
  const found = await inBatches(ids, (id) => keys.find(virtualKeyId(id)));
  return new Map(found.flatMap((key) => (key === undefined ? [] : [[key.id, key.name]])));
}

const groupsView = (
  { values }: SpendRow,
  groupBy: readonly SpendGroup[],
  names: ReadonlyMap<string, string>,
): Readonly<Record<string, string | null>> =>
  Object.fromEntries(
    groupBy.flatMap((group, index) => {
      const value = values[index] ?? null;
      const own = [group, value] as const;
      return group === 'key' ? [own, ['key_name', names.get(value ?? '') ?? null] as const] : [own];
    }),
  );
