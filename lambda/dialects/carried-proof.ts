import type { ContentPart } from '../domain/chat/request.ts';
import { base64FromText, textFromBase64 } from './base64.ts';

/**
 * A proof of origin on its way through a caller whose format did not make it. Callers send proofs back unread and with
 * nothing that says whose they are. So where the caller's own format has a place for one, another's stands in it with its
 * dialect's name before it: its owner gets it back as it was, and no one else sees it, who would refuse it.
 */
export type CarriedProof =
  /** The signature of reasoning whose text stands beside it; empty where nothing was signed, and only the owner is told. */
  | { readonly type: 'signature'; readonly dialect: string; readonly data: string }
  /** Reasoning that its provider closed. */
  | { readonly type: 'closed'; readonly dialect: string; readonly data: string }
  /** The signature of a tool call, where the call itself has no place for it. */
  | { readonly type: 'call'; readonly dialect: string; readonly data: string; readonly callId: string };

/** Of all models only Google's sign their calls of tools. @see https://ai.google.dev/gemini-api/docs/thought-signatures */
export const SIGNER_OF_CALLS = 'gemini';

const PREFIX = 'sluice:';

/** Whether a text is a proof that is carried, and not the format's own. */
export const isCarried = (text: string): boolean => text.startsWith(PREFIX);

/** The text that stands in the caller's format. */
export function carryProof(proof: CarriedProof): string {
  const callId = proof.type === 'call' ? [encoded(proof.callId)] : [];
  return PREFIX + [encoded(proof.dialect), proof.type, ...callId, proof.data].join(':');
}

/** What is carried in a text; `undefined` where it is the format's own, or was changed on its way. */
export function readProof(text: string): CarriedProof | undefined {
  if (!isCarried(text)) return undefined;
  const match = /^sluice:([^:]{1,300}):(?:(signature|closed)|call:([^:]{0,3000})):/.exec(text.slice(0, 4000));
  if (match === null) return undefined;
  const [head, owner = '', type, callId] = match;
  const data = text.slice(head.length);
  const dialect = decoded(owner);
  if (callId !== undefined) return { type: 'call', dialect, data, callId: decoded(callId) };
  return { type: type === 'closed' ? 'closed' : 'signature', dialect, data };
}

/** A proof where the format asks for bytes, in base64. */
export const carryProofBytes = (proof: CarriedProof): string => base64FromText(carryProof(proof));

/** How the base64 of every carried proof begins. */
export const CARRIED_BYTES_START = 'c2x1aWNlO';

/** What is carried in bytes; as `readProof`. */
export function readProofBytes(base64: string): CarriedProof | undefined {
  const text = base64.startsWith(CARRIED_BYTES_START) ? textFromBase64(base64) : undefined;
  return text === undefined ? undefined : readProof(text);
}

const encoded = (name: string): string => encodeURIComponent(name.toWellFormed());

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads the proofs that stand in one turn a caller sends back; one object a turn. */
export class CarriedProofs {
  readonly #ofCalls = new Map<string, string>();

  /** What a proof stands for: reasoning with its text, or nothing where it is a call's. @see signed */
  parts(proof: CarriedProof, text: string): readonly ContentPart[] {
    const { type, dialect, data } = proof;
    switch (type) {
      case 'call':
        if (dialect === SIGNER_OF_CALLS) this.#ofCalls.set(proof.callId, data);
        return [];
      case 'closed':
        return [{ type: 'reasoning-encrypted', data, dialect }];
      case 'signature':
        return [{ type: 'reasoning', text, ...(data !== '' && { signature: data }), dialect }];
    }
  }

  /** The turn's content, each call with its proof, wherever that stood. */
  signed(content: readonly ContentPart[]): readonly ContentPart[] {
    if (this.#ofCalls.size === 0) return content;
    return content.map((part) => {
      const signature = part.type === 'tool-call' ? this.#ofCalls.get(part.id) : undefined;
      return part.type === 'tool-call' && signature !== undefined ? { ...part, signature } : part;
    });
  }
}
