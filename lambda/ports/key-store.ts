import type { SecretHash, VirtualKeyId } from '../domain/ids.ts';
import type { Scope } from '../domain/money/budget.ts';
import type { ScopeSettings, SettableKind } from '../domain/scope-settings.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';

/** A key, and the settings of those scopes above it (organization, team, project, member, pinned tags) that have any. */
export interface KeyWithScopes {
  readonly key: VirtualKey;
  readonly scopes: readonly ScopeSettings[];
}

/** What inference may do with keys: read. */
export interface KeyReader {
  /** The key that has this secret, read with strong consistency; `undefined` where there is none. */
  findBySecret(hash: SecretHash): Promise<KeyWithScopes | undefined>;
  /** The key as it is now, alone. */
  find(id: VirtualKeyId): Promise<VirtualKey | undefined>;
  /** Every tag that has settings: callers may name it. May lag a second behind. */
  tags(): Promise<readonly ScopeSettings[]>;
}

/** What the control plane may do with the settings of scopes. Every change bumps their version in `keys` and in `spend` at once. */
export interface ScopeStore {
  find(scope: Scope): Promise<ScopeSettings | undefined>;
  /** Newest first. */
  list(kind: SettableKind, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<ScopeSettings>>;
  /**
   * Puts the changed settings in place of the version they were made from (0: there were none), with that version plus one.
   * @throws GatewayError `idempotency_conflict` where somebody else changed them in between
   */
  put(settings: ScopeSettings): Promise<ScopeSettings>;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Opaque; `undefined` on the last page. */
  readonly nextCursor: string | undefined;
}

/** What the control plane may do with keys. Every change bumps the policy version in `keys` and in `spend` at once. */
export interface KeyStore extends KeyReader {
  /** @throws GatewayError `invalid_request` where the id or the secret is taken */
  create(key: VirtualKey, hash: SecretHash): Promise<void>;
  /** Newest first. */
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<Page<VirtualKey>>;
  /**
   * Puts the changed key in place of the version it was made from, with that version plus one.
   * @throws GatewayError `idempotency_conflict` where somebody else changed it in between
   */
  update(key: VirtualKey): Promise<VirtualKey>;
}
