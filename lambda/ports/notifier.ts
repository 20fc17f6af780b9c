import type { BudgetNotice } from './ledger.ts';

/** Tells whoever is responsible that a budget crossed a soft limit. Resolves once the message is handed over. */
export type SendBudgetNotice = (notice: BudgetNotice) => Promise<void>;
