import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** What GCM is made for. @see https://csrc.nist.gov/pubs/sp/800/38/d/final (8.2.2) */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals what is kept, and names it. All of it hangs on one master secret, which is not in the storage. */
export interface AnswerCipher {
  /** A name that only who has the master secret can compute, whatever they know of what it stands for. */
  nameOf(kind: string, scope: string, text: string): string;
  /** @param place what it may be read at; it opens nowhere else */
  seal(scope: string, place: string, plain: Uint8Array): Uint8Array;
  /** @throws Error where anything is not as it was sealed: the bytes, the scope, the place */
  open(scope: string, place: string, sealed: Uint8Array): Uint8Array;
}

/** AES-256-GCM, with a key for each scope: HKDF-SHA256 of the master secret. @see https://www.rfc-editor.org/rfc/rfc5869 */
export function answerCipher(masterSecret: string): AnswerCipher {
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', masterSecret, '', purpose, KEY_BYTES));
  const nameKey = derive('sluice name');
  // HKDF takes 1,024 bytes of purpose at most, and callers choose their end users' names.
  const scopeKey = (scope: string): Uint8Array =>
    derive(`sluice answer ${createHmac('sha256', nameKey).update(scope).digest('base64url')}`);

  return {
    nameOf: (kind, scope, text) =>
      createHmac('sha256', nameKey)
        .update(JSON.stringify([kind, scope]))
        .update(text)
        .digest('base64url'),
    seal(scope, place, plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, scopeKey(scope), nonce).setAAD(Buffer.from(place));
      const sealed = [cipher.update(plain), cipher.final()];
      return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]);
    },
    open(scope, place, sealed) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, scopeKey(scope), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place)).setAuthTag(tag);
      const plain = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([plain, decipher.final()]);
    },
  };
}

/** The cipher of a secret that is read when it is first needed, and again where it could not be. */
export function lateCipher(readSecret: () => Promise<string>): () => Promise<AnswerCipher> {
  let known: { readonly secret: string; readonly cipher: AnswerCipher } | undefined;
  return async () => {
    const secret = await readSecret();
    if (known?.secret !== secret) known = { secret, cipher: answerCipher(secret) };
    return known.cipher;
  };
}
