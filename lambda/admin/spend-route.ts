import { virtualKeyId } from '../domain/ids.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { SpendReports } from '../ports/ledger.ts';
import { inBatches } from './in-batches.ts';
import { parseSpendQuery } from './spend-query.ts';
import { type SpendRow, spendRows, spendTotal, sumsView } from './spend-report.ts';

/** Names are looked up for the dearest rows only: each is one read. */
const MAX_NAMES = 100;

export interface SpendRouteDependencies {
  readonly keys: Pick<KeyStore, 'find'>;
  readonly reports: SpendReports;
  readonly clock: Clock;
}

/** `GET /admin/spend?from=&to=&group_by=` */
export async function showSpend(
  request: HttpRequest,
  dependencies: SpendRouteDependencies,
): Promise<HttpResponse> {
  const { from, to, groupBy } = parseSpendQuery(request.query, dependencies.clock.now());
  const rollups = await dependencies.reports.rollups(from, to);
  const rows = spendRows(rollups, groupBy);
  const names = await keyNames(rows, dependencies.keys);
  return jsonResponse(200, {
    from,
    to,
    group_by: groupBy,
    data: rows.map((row) => ({ ...row.group, ...nameOf(row, names), ...sumsView(row) })),
    total: sumsView(spendTotal(rollups)),
  });
}

async function keyNames(
  rows: readonly SpendRow[],
  keys: Pick<KeyStore, 'find'>,
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(rows.flatMap(({ group }) => group.key ?? []))].slice(0, MAX_NAMES);
  const found = await inBatches(ids, (id) => keys.find(virtualKeyId(id)));
  return new Map(found.flatMap((key) => (key === undefined ? [] : [[key.id, key.name]])));
}

function nameOf(
  { group }: SpendRow,
  names: ReadonlyMap<string, string>,
): { readonly key_name?: string | null } {
  return group.key === undefined ? {} : { key_name: names.get(group.key) ?? null };
}
