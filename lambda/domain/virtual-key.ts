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
  /** `disabled` can be made active again, `revoked` cannot. */
  readonly state: 'active' | 'disabled' | 'revoked';
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
  readonly metadata: Readonly<Record<string, string>>;
  /** Rises with every change; a reservation made under an older one fails in the store. */
  readonly policyVersion: number;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly revokedAtMs?: number;
  /** The last four characters of the newest secret, to tell keys apart. */
  readonly hint: string;
  /** Which of its secrets is the newest: 1, and one more with each rotation. */
  readonly secretNumber: number;
  /** Secrets that were replaced and still work for a while. All others are at their end. */
  readonly earlierSecrets: readonly EarlierSecret[];
}

/** A replaced secret, by its number, and when it ends. */
export interface EarlierSecret {
  readonly number: number;
  readonly untilMs: number;
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

/** More than one rotation a grace period is an accident; older ones end at once. */
const MOST_EARLIER_SECRETS = 10;

/**
 * A key with a new secret beside the old ones, which work for `graceMs` more, and never longer than they were given before.
 */
export function withNewSecret(
  key: VirtualKey,
  { hint, graceMs, nowMs }: { readonly hint: string; readonly graceMs: number; readonly nowMs: number },
): VirtualKey {
  const endMs = nowMs + graceMs;
  const replaced = [{ number: key.secretNumber, untilMs: endMs }, ...key.earlierSecrets].map(
    ({ number, untilMs }) => ({ number, untilMs: Math.min(untilMs, endMs) }),
  );
  return {
    ...key,
    hint,
    secretNumber: key.secretNumber + 1,
    earlierSecrets: replaced.filter(({ untilMs }) => nowMs < untilMs).slice(0, MOST_EARLIER_SECRETS),
  };
}

/**
 * The key as it is for who holds one of its secrets: through a replaced one it expires when that secret ends.
 * @returns `undefined` for a secret that has ended and is forgotten
 */
export function keyThroughSecret(key: VirtualKey, secretNumber: number): VirtualKey | undefined {
  if (secretNumber === key.secretNumber) return key;
  const secret = key.earlierSecrets.find(({ number }) => number === secretNumber);
  if (secret === undefined) return undefined;
  return { ...key, expiresAtMs: Math.min(secret.untilMs, key.expiresAtMs ?? secret.untilMs) };
}

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
  secretNumber: 1,
  earlierSecrets: [],
});

/** Whether a text has the form of a virtual key's secret. */
export const isKeySecret = (text: string): boolean => /^sk-slu-[A-Za-z0-9_-]{16,200}$/.test(text);
