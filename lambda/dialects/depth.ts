/** How deep what is passed on unread may be nested: far beyond any schema or argument, far below what breaks JSON.stringify. */
export const MAX_DEPTH = 256;

/** Whether a value of JSON is nested so deep that writing it could overflow the stack. */
export function isTooDeep(value: unknown, depth: number = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  return Object.values(value).some((child) => isTooDeep(child, depth + 1));
}
