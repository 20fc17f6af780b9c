import type { IncomingMessage } from 'node:http';

/** What came of reading a request's body. */
export type RequestBody =
  | { readonly type: 'whole'; readonly bytes: Uint8Array }
  /** `isDrained`: the caller has sent all of it, and is ready to listen. */
  | { readonly type: 'too-large'; readonly isDrained: boolean }
  /** The caller left before its end. */
  | { readonly type: 'broken' };

/** How often the limit may be sent, and thrown away, before the connection is given up. */
const DISCARDED_BODIES = 8;

/**
 * Reads a request's body up to a limit. Beyond it, what comes is thrown away: a caller that is still sending would not see
 * an answer.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  return new Promise((resolve) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else chunks = [];
      if (length > maxBytes * DISCARDED_BODIES) resolve({ type: 'too-large', isDrained: false });
    });
    request.on('end', () => {
      if (length > maxBytes) resolve({ type: 'too-large', isDrained: true });
      else
        resolve({
          type: 'whole',
          bytes: chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks),
        });
    });
    request.on('error', () => resolve({ type: 'broken' }));
    request.on('close', () => resolve({ type: 'broken' }));
  });
}

const NOTHING = new Uint8Array(0);
