import type { ProviderId } from '../domain/ids.ts';

/** Where upstream credentials come from. One never leaves the process but in a request to its provider. */
export interface Credentials {
  /**
   * One of the provider's keys, chosen evenly; `undefined` where the provider has none (a local model needs none).
   * @param refresh read it again: the provider has just refused `refused`
   */
  get(provider: ProviderId, refresh?: { readonly refused: string }): Promise<string | undefined>;
}
