import type { VirtualKeyId } from './ids.ts';
import type { Budget } from './money/budget.ts';

/**
 * A key that callers hold, and what it may do. The secret itself is nowhere in it. Times are Unix milliseconds.
 */
export interface VirtualKey {
  readonly id: VirtualKeyId;
  readonly name: string;
  readonly state: 'active' | 'revoked';
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly member?: string;
  /** Pinned: a caller cannot set another value for these names. */
  readonly tags: Readonly<Record<string, string>>;
  /** Models it may call, by group name or `provider/model` with `*` at the end as wildcard; empty: all. */
  readonly models: readonly string[];
  /** Providers that may answer it; empty: all. */
  readonly providers: readonly string[];
  readonly budgets: readonly Budget[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Rises with every change; a reservation made under an older one fails in the store. */
  readonly policyVersion: number;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly revokedAtMs?: number;
  /** The secret's last four characters, to tell keys apart. */
  readonly hint: string;
}

/** Whether a key may be used at this moment. */
export const isUsable = (key: VirtualKey, nowMs: number): boolean =>
  key.state === 'active' && (key.expiresAtMs === undefined || nowMs < key.expiresAtMs);

/** A key that may do everything and has no budget. */
export const newVirtualKey = (
  given: Pick<VirtualKey, 'id' | 'name' | 'createdAtMs' | 'hint'>,
): VirtualKey => ({
  ...given,
  state: 'active',
  tags: {},
  models: [],
  providers: [],
  budgets: [],
  metadata: {},
  policyVersion: 1,
});

/** Whether a text has the form of a virtual key's secret. */
export const isKeySecret = (text: string): boolean => /^sk-slu-[A-Za-z0-9_-]{16,200}$/.test(text);
