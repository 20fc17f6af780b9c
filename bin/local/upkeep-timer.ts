import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { dynamoRoutingUpkeep } from '../../lambda/adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../../lambda/adapters/dynamodb/scope-store.ts';
import { decimalUsd } from '../../lambda/domain/money/nano.ts';
import { callParts, type Host } from '../../lambda/handlers/composition.ts';
import type { BudgetNotice } from '../../lambda/ports/ledger.ts';
import { runUpkeep } from '../../lambda/upkeep/upkeep.ts';

const MINUTE_MS = 60_000;
const BUDGET_MS = 35_000;

/** Runs upkeep now and every minute, as the schedule does when deployed. @returns stops it */
export function startUpkeep(host: Host): () => Promise<void> {
  const { store, telemetry } = host;
  const upkeep = {
    ...callParts(host),
    keys: dynamoKeyStore(store),
    scopes: dynamoScopeStore(store),
    ledger: { ...dynamoLedger(store), ...dynamoLedgerUpkeep(store) },
    routing: dynamoRoutingUpkeep(store),
    sendNotice: async (notice: BudgetNotice) =>
      telemetry.problem(
        `Budget notice: "${notice.scopeLabel}" has spent $${decimalUsd(notice.spent)} of $${decimalUsd(notice.limit)} (${notice.window}).`,
      ),
  };
  let running: Promise<unknown> = Promise.resolve();
  const run = (): void => {
    running = running
      .then(() => runUpkeep(upkeep, BUDGET_MS))
      .catch((error: unknown) => telemetry.problem('Upkeep failed; the next run tries again.', error));
  };
  run();
  const timer = setInterval(run, MINUTE_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
