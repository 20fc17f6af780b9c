/** Passes items on, and says `idle` whenever none has come for `intervalMs`. Leaving it early ends the source too. */
export async function* withKeepAlive<Item>(
  source: AsyncIterable<Item>,
  intervalMs: number,
): AsyncGenerator<Item | 'idle'> {
  const iterator = source[Symbol.asyncIterator]();
  let onIdle: (() => void) | undefined;
  const timer = setInterval(() => onIdle?.(), intervalMs);
  const idle = (): Promise<'idle'> =>
    new Promise((resolve) => {
      onIdle = () => resolve('idle');
    });
  let pending = iterator.next();
  try {
    for (;;) {
      const next = await Promise.race([pending, idle()]);
      if (next === 'idle') {
        yield next;
        continue;
      }
      timer.refresh();
      if (next.done === true) return;
      yield next.value;
      pending = iterator.next();
    }
  } finally {
    clearInterval(timer);
    // Nobody waits for this one any more; its failure is the source's to report.
    pending.catch(() => undefined);
    await iterator.return?.();
  }
}
