import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PacedUpstream {
  readonly url: string;
  /** Lets it send the second and last word. */
  goOn(): void;
  close(): Promise<void>;
}

/** A provider of OpenAI's format that streams one word, and the other when it is told to. */
export async function startPacedUpstream(): Promise<PacedUpstream> {
  const chunk = (content: string, finish: string | null): string =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
  const { promise, resolve: goOn } = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunk('first ', null));
    void promise.then(() => response.end(`${chunk('second', 'stop')}data: [DONE]\n\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    goOn,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
