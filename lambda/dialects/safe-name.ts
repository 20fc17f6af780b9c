import { hexChecksum } from '../domain/fnv.ts';

/**
 * A name made of letters, digits, `_` and `-`, as most formats want ids and names of tools. What does not fit is replaced or
 * cut, with a checksum of the whole behind it: the same name always becomes the same one, and no two become one.
 */
export function safeName(name: string, maxLength: number): string {
  if (isSafeName(name, maxLength)) return name;
  const end = `_${hexChecksum(name)}`;
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, Math.max(0, maxLength - end.length)) + end;
}

/** Whether a name needs no change. */
export const isSafeName = (name: string, maxLength: number): boolean =>
  name.length <= maxLength && /^[a-zA-Z0-9_-]+$/.test(name);
