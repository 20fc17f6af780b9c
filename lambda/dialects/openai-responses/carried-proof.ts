/**
 * A proof of origin on its way through a caller who speaks this format. Callers send `encrypted_content` back unread, so
 * another provider's signature travels in it, with its dialect's name before it.
 */
export type CarriedProof =
  /** The signature of reasoning whose text stands in the same item. */
  | { readonly type: 'signature'; readonly dialect: string; readonly data: string }
  /** Reasoning that its provider closed. */
  | { readonly type: 'closed'; readonly dialect: string; readonly data: string }
  /** The signature of a tool call. */
  | { readonly type: 'call'; readonly dialect: string; readonly data: string; readonly callId: string };

const PREFIX = 'sluice';

/** Whether a text is a proof that is carried, and not this format's own. */
export const isCarried = (text: string): boolean => text.startsWith(`${PREFIX}:`);

/** The text that stands as `encrypted_content`. */
export function carryProof(proof: CarriedProof): string {
  const callId = proof.type === 'call' ? [encodeURIComponent(proof.callId.toWellFormed())] : [];
  return [PREFIX, proof.dialect, proof.type, ...callId, proof.data].join(':');
}

/** What is carried in a text; `undefined` where it is this format's own, or was changed on its way. */
export function readProof(text: string): CarriedProof | undefined {
  const match = /^sluice:([a-z-]{1,64}):(?:(signature|closed)|call:([^:]{0,1000})):/.exec(
    text.slice(0, 1200),
  );
  if (match === null) return undefined;
  const [head, dialect = '', type, callId] = match;
  const data = text.slice(head.length);
  if (callId !== undefined) return { type: 'call', dialect, data, callId: decoded(callId) };
  return { type: type === 'closed' ? 'closed' : 'signature', dialect, data };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
