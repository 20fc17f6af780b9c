import type { IncomingMessage } from 'node:http';
import { UpstreamTransportError } from '../../ports/upstream.ts';
import { transportError } from './transport-error.ts';

/**
 * How long an answer may still take to end, in milliseconds, once its reader has stopped. A reader stops at the format's
 * own end, a moment before HTTP's; closing the connection there would cost the next call a handshake.
 */
const END_GRACE_MS = 250;

/**
 * A response's body, chunk by chunk as it comes. Ends well only at the body's own end; a reader that stops earlier, or an
 * abort, closes the connection. It can be read once.
 */
export function responseBody(
  response: IncomingMessage,
  signal: AbortSignal,
  host: string,
): AsyncIterable<Uint8Array> {
  const onAbort = (): void => {
    response.destroy(new UpstreamTransportError('aborted', 'The call was given up.'));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  response.once('close', () => signal.removeEventListener('abort', onAbort));
  // Without a listener an error that comes while nobody reads would end the process; the reader gets it from the iterator.
  response.on('error', () => undefined);
  const chunks: AsyncIterator<Uint8Array> = response.iterator({ destroyOnReturn: false });
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const result = await chunks.next();
        if (result.done === true && !response.complete)
          throw new UpstreamTransportError('connection', `${host} ended its answer before the end.`);
        return result;
      } catch (error) {
        throw transportError(error, host);
      }
    },
    async return() {
      await chunks.return?.();
      letEndOrClose(response);
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function letEndOrClose(response: IncomingMessage): void {
  const timer = setTimeout(() => response.destroy(), END_GRACE_MS);
  response.once('close', () => clearTimeout(timer));
  response.resume();
}
