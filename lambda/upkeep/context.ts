import type { CallParts } from '../pipeline/gateway.ts';
import type { KeyStore, ScopeStore } from '../ports/key-store.ts';
import type { Ledger, LedgerUpkeep } from '../ports/ledger.ts';
import type { SendBudgetNotice } from '../ports/notifier.ts';
import type { RoutingUpkeep } from '../ports/routing-store.ts';
import type { VectorUpkeep } from '../ports/vector-index.ts';

/** What upkeep works with. */
export interface Upkeep extends CallParts {
  readonly keys: Pick<KeyStore, 'list' | 'find'>;
  readonly scopes: Pick<ScopeStore, 'find' | 'list'>;
  readonly ledger: LedgerUpkeep & Pick<Ledger, 'counters' | 'queueNotice'>;
  readonly routing: RoutingUpkeep;
  /** `undefined` where there are no vectors, or they go by themselves. */
  readonly vectors?: VectorUpkeep | undefined;
  readonly sendNotice: SendBudgetNotice;
}
