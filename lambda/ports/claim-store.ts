import type { RequestId } from '../domain/ids.ts';

/** The wish of one request to be the only one that is answered under a name. */
export interface Claim {
  /** Within which the name counts. */
  readonly scope: string;
  readonly name: string;
  /** What is asked, as text: another request may come under the same name. Stored as a keyed hash only. */
  readonly fingerprint: string;
  readonly owner: RequestId;
}

/**
 * What stands under a name: nothing; this very request; the same one of another caller, not answered yet; its answer, kept or not; or
 * another request.
 */
export type ClaimState = 'free' | 'own' | 'running' | 'kept' | 'not-kept' | 'other-request';

/** Decides which one of several requests is answered. Each method throws GatewayError `store_unavailable`. */
export interface ClaimStore {
  /** Takes the name until `expiresAtMs` (Unix milliseconds), unless somebody has it. */
  take(claim: Claim, expiresAtMs: number): Promise<Exclude<ClaimState, 'free'>>;
  look(claim: Claim): Promise<ClaimState>;
  /** Says that the own request has been answered, which holds until `expiresAtMs`. Nothing where it is not one's own any more. */
  close(claim: Claim, answered: 'kept' | 'not-kept', expiresAtMs: number): Promise<void>;
  /** Gives the own name back. */
  release(claim: Claim): Promise<void>;
}
