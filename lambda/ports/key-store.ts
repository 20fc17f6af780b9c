import type { SecretHash, VirtualKeyId } from '../domain/ids.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';

/** What inference may do with keys: read. */
export interface KeyReader {
  /** The key that has this secret, read with strong consistency; `undefined` where there is none. */
  findBySecret(hash: SecretHash): Promise<VirtualKey | undefined>;
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
}
