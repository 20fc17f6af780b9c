/** FNV-1a, 32 bits: the same text always gives the same number, and hardly another one. @see http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The same in eight hexadecimal digits. */
export const hexChecksum = (text: string): string => fnv1a(text).toString(16).padStart(8, '0');
