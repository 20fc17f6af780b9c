import type { VirtualKeyId } from './ids.ts';
import type { Budget } from './money/budget.ts';
import type { NanoUsd } from './money/nano.ts';
import { NO_RULES, type ScopeRules } from './scope-settings.ts';

/**
 * A key that callers hold, and what it may do. The secret itself is nowhere in it. Times are Unix milliseconds.
 */
export interface VirtualKey extends ScopeRules {
  readonly id: VirtualKeyId;
  readonly name: string;
  readonly state: 'active' | 'revoked';
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly member?: string;
  /** Pinned: a caller cannot set another value for these names. */
  readonly tags: Readonly<Record<string, string>>;
  /** For each of its sessions; a caller may only ask for less. */
  readonly sessionLimits?: SessionLimits;
  /** For each of its end users. */
  readonly endUserBudget?: Budget;
  /** What the response cache does with its requests; `undefined`: as the model group says. */
  readonly cache?: CacheMode;
  /** How many purses its requests needed lately, and when that was. Written by the ledger; 1 where it is not given. */
  readonly purseShards?: number;
  readonly purseShardsAtMs?: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Rises with every change; a reservation made under an older one fails in the store. */
  readonly policyVersion: number;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly revokedAtMs?: number;
  /** The secret's last four characters, to tell keys apart. */
  readonly hint: string;
}

/** What one session (an agent's run) may use in all. */
export interface SessionLimits {
  readonly maxCost?: NanoUsd;
  readonly maxCalls?: number;
}

/** Whether finished answers are kept and given again: to the same request, or also to one that means the same. */
export type CacheMode = 'off' | 'exact' | 'semantic';

/** Whether a key may be used at this moment. */
export const isUsable = (key: VirtualKey, nowMs: number): boolean =>
  key.state === 'active' && (key.expiresAtMs === undefined || nowMs < key.expiresAtMs);

/** After so long without a crowd a key's requests are few again. */
export const CROWDED_FOR_MS = 3_600_000;

/** Among how many purses a key's requests choose. */
export const purseShards = (
  { purseShards: shards = 1, purseShardsAtMs = 0 }: VirtualKey,
  nowMs: number,
): number => (nowMs - purseShardsAtMs < CROWDED_FOR_MS ? shards : 1);

/** A key that may do everything and has no budget. */
export const newVirtualKey = (
  given: Pick<VirtualKey, 'id' | 'name' | 'createdAtMs' | 'hint'>,
): VirtualKey => ({
  ...given,
  ...NO_RULES,
  state: 'active',
  tags: {},
  metadata: {},
  policyVersion: 1,
});

/** Whether a text has the form of a virtual key's secret. */
export const isKeySecret = (text: string): boolean => /^sk-slu-[A-Za-z0-9_-]{16,200}$/.test(text);
