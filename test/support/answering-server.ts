import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a client asked. */
export interface Asked {
  readonly path: string;
  readonly body: string;
}

/** What it is answered. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** How many bytes of an answer go out at once: so few that lines, characters and messages are cut. */
const PIECE_BYTES = 50;

const servers: Server[] = [];

/**
 * A server of its own for a test with an official SDK, over real HTTP. `closeServers` closes it.
 * @param answer what it answers; not to throw
 */
export async function startAnsweringServer(answer: (asked: Asked) => Reply): Promise<{
  readonly url: string;
  /** All that it was asked so far. */
  readonly asked: readonly Asked[];
}> {
  const asked: Asked[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const last = { path: request.url ?? '', body: await text(request) };
    asked.push(last);
    const { status, headers, body } = answer(last);
    const bytes = Buffer.from(body);
    response.writeHead(status, headers);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      response.write(bytes.subarray(at, at + PIECE_BYTES));
    response.end();
  };
  // What it throws ends the test run: nothing else waits for it.
  const server = createServer((request, response) => void respond(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked };
}

/** Closes all servers that a test has started. */
export function closeServers(): void {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
}
