/** Cosine of the angle between two vectors of one dimension; `undefined` where one of them has no direction. */
export function cosineSimilarity(left: readonly number[], right: readonly number[]): number | undefined {
  if (left.length !== right.length) return undefined;
  let product = 0;
  let leftSquares = 0;
  let rightSquares = 0;
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    product += value * other;
    leftSquares += value * value;
    rightSquares += other * other;
  }
  const lengths = Math.sqrt(leftSquares) * Math.sqrt(rightSquares);
  const cosine = product / lengths;
  return Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : undefined;
}

/** Whether numbers can be compared by their direction: as many as expected, all finite, not all zero. */
export const isDirection = (vector: readonly number[], dimensions: number): boolean =>
  vector.length === dimensions && vector.every(Number.isFinite) && vector.some((value) => value !== 0);
