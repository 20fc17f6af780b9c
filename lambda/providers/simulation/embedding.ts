import { isCommonWord } from './answer-text.ts';

/** How many numbers a simulated embedding has. */
export const EMBEDDING_DIMENSIONS = 256;

/** Each word lies on so many axes, so that two words hardly ever share their place. */
const AXES_A_WORD = 8;
/** How much a common word counts beside any other. */
const COMMON_WEIGHT = 0.1;

/**
 * A vector for a text: the sum of its words', whatever their order, common ones hardly counted. Texts made of the same
 * words are near one another, others are not; of meanings it knows nothing.
 */
export function embeddingOf(text: string): readonly number[] {
  const vector = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const weight = isCommonWord(word) ? COMMON_WEIGHT : 1;
    let hash = hashOf(word);
    for (let axis = 0; axis < AXES_A_WORD; axis += 1) {
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
      const index = hash % EMBEDDING_DIMENSIONS;
      vector[index] = (vector[index] ?? 0) + (hash > 0x7fff_ffff ? weight : -weight);
      hash = Math.imul(hash + axis + 1, 0x297a2d39) >>> 0;
    }
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (const character of word) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
