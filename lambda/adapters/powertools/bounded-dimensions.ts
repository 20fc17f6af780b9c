/** Each new combination is a new metric on the bill, and callers can name any model. */
const MOST_PAIRS = 200;
/** CloudWatch's own limits of a dimension's value. */
const LONGEST_VALUE = 1024;

type Dimensions = Readonly<Record<string, string>>;

/** Keeps the number of different provider and model pairs of this process bounded: what comes after them is `other`. */
export function boundedDimensions(): (dimensions: Dimensions) => Dimensions {
  const seen = new Set<string>();
  return (dimensions) => {
    const clean = Object.fromEntries(
      Object.entries(dimensions).map(([name, value]) => [name, validValue(value)]),
    );
    if (!('model' in clean)) return clean;
    const pair = JSON.stringify([clean['provider'], clean['model']]);
    if (seen.has(pair)) return clean;
    if (seen.size >= MOST_PAIRS) return { ...clean, provider: 'other', model: 'other' };
    seen.add(pair);
    return clean;
  };
}

/**
 * ASCII without control characters, not blank.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
 */
function validValue(value: string): string {
  const clean = value
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, LONGEST_VALUE)
    .trim();
  return clean === '' ? 'unknown' : clean;
}
