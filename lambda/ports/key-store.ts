import type { SecretHash, VirtualKeyId } from '../domain/ids.ts';
import type { Scope } from '../domain/money/budget.ts';
import type { ScopeSettings, SettableKind } from '../domain/scope-settings.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';

/** A key, and the settings of those scopes above it (organization, team, project, member, pinned tags) that have any. */
export interface KeyWithScopes {
  readonly key: VirtualKey;
  readonly scopes: readonly ScopeSettings[];
  /** Among how many purses its requests choose: more than one where they have crowded lately. */
  readonly purseShards: number;
}

/** What inference may do with keys: read. */
export interface KeyReader {
  /** The key that has this secret, read with strong consistency; `undefined` where there is none. */
  findBySecret(hash: SecretHash): Promise<KeyWithScopes | undefined>;
  /**
   * The same key, the scopes above it and these tags as they are now, all read at once; `undefined` where the key is gone.
   */
  again(
    known: VirtualKey,
    tags: readonly Scope[],
  ): Promise<(KeyWithScopes & { readonly tags: readonly ScopeSettings[] }) | undefined>;
  /** Every tag that has settings: callers may name it. May lag a second behind. */
  tags(): Promise<readonly ScopeSettings[]>;
}

/** What the control plane may do with the settings of scopes. Every change bumps their version in `keys` and in `spend` at once. */
export interface ScopeStore {
  /** Settings that were cleared are found too, as their version counts. */
  find(scope: Scope): Promise<ScopeSettings | undefined>;
  /** Newest first, without those that were cleared. */
  list(
    kind: SettableKind,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<ScopeSettings>>;
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
  find(id: VirtualKeyId): Promise<VirtualKey | undefined>;
  /** Newest first. */
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<Page<VirtualKey>>;
  /**
   * Puts the changed key in place of the version it was made from, with that version plus one.
   * @throws GatewayError `idempotency_conflict` where somebody else changed it in between
   */
  update(key: VirtualKey): Promise<VirtualKey>;
  /**
   * As `update`, and lets in whoever has the new secret: the one the key calls its newest.
   * @throws GatewayError as `update`; `invalid_request` where the secret is taken
   */
  rotate(key: VirtualKey, hash: SecretHash): Promise<VirtualKey>;
}
