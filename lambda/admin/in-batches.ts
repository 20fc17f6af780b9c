/** Reads at a time: enough to hide the waiting, few enough for the connections of one client. */
const BATCH_SIZE = 25;

/** Maps items in order, a few at a time, so that a long list does not open as many connections. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += BATCH_SIZE)
    results.push(...(await Promise.all(items.slice(start, start + BATCH_SIZE).map(map))));
  return results;
}
