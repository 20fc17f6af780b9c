import type { Writable } from 'node:stream';

/**
 * Writes one chunk and waits until the stream wants more, or is gone.
 * @returns whether the stream still takes chunks
 */
export async function writeChunk(stream: Writable, chunk: Uint8Array): Promise<boolean> {
  if (stream.destroyed) return false;
  if (!stream.write(chunk)) await drainedOrGone(stream);
  return !stream.destroyed;
}

function drainedOrGone(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const name of ['drain', 'close', 'error']) stream.off(name, settle);
      resolve();
    };
    for (const name of ['drain', 'close', 'error']) stream.on(name, settle);
  });
}
