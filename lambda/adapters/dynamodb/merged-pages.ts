/** A source that has something to give: itself, and what it gave. */
interface Arrival<Page> {
  readonly source: AsyncGenerator<Page>;
  readonly result: IteratorResult<Page>;
}

/** Pages of many sources as they arrive, from at most `concurrency` of them at a time. */
export async function* mergedPages<Page>(
  sources: readonly (() => AsyncGenerator<Page>)[],
  concurrency: number,
): AsyncGenerator<Page> {
  const waiting = sources.values();
  const arriving = new Map<AsyncGenerator<Page>, Promise<Arrival<Page>>>();
  const ask = (source: AsyncGenerator<Page>): void => {
    arriving.set(
      source,
      source.next().then((result) => ({ source, result })),
    );
  };
  const startNext = (): void => {
    const next = waiting.next();
    if (next.done !== true) ask(next.value());
  };
  for (let started = 0; started < concurrency; started += 1) startNext();
  try {
    while (arriving.size > 0) {
      const { source, result } = await Promise.race(arriving.values());
      arriving.delete(source);
      if (result.done === true) {
        startNext();
        continue;
      }
      ask(source);
      yield result.value;
    }
  } finally {
    // Whoever left early, or was thrown out, leaves calls behind whose failures nobody else hears.
    await Promise.allSettled(arriving.values());
  }
}
