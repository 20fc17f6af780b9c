import { createHash, randomInt } from 'node:crypto';
import { type SecretHash, secretHash } from '../domain/ids.ts';

/** SHA-256, lower-case hex. */
export const hashSecret = (secret: string): SecretHash =>
  secretHash(createHash('sha256').update(secret).digest('hex'));

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 20;

/** Short random text for ids. */
export const newId = (): string =>
  Array.from({ length: ID_LENGTH }, () => ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length))).join('');
