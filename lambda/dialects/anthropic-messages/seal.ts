import { DIALECT } from './wire.ts';

/**
 * Callers of this format send thinking back with its signature and nothing that says who signed it. So what Anthropic did
 * not sign is marked with its owner, `owner#signature`, and can be told apart when it comes back: its owner gets it as it
 * was, and Anthropic, who would refuse it, does not see it. Anthropic's own signatures are base64 and hold no `#`.
 */
export const seal = (owner: string, proof: string): string =>
  owner === DIALECT ? proof : `${owner}#${proof}`;

/** Whose a signature is that a caller sends back, and the signature itself, empty where nothing was signed. */
export function unseal(sealed: string): { readonly owner: string; readonly proof: string } {
  const [, owner, proof] = SEALED.exec(sealed) ?? [];
  return owner === undefined || proof === undefined ? { owner: DIALECT, proof: sealed } : { owner, proof };
}

const SEALED = /^([a-z0-9][a-z0-9/._-]{0,79})#(.*)$/s;
