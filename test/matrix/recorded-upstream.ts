import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { RecordedAnswer } from './scenarios.ts';

/** A provider that answers whatever it is asked with one recording. */
export interface RecordedUpstream {
  readonly url: string;
  /** The last request's path and body. */
  readonly asked: { readonly path: string; readonly body: string } | undefined;
  answerWith(answer: RecordedAnswer): void;
  close(): Promise<void>;
}

export async function startRecordedUpstream(): Promise<RecordedUpstream> {
  let current: RecordedAnswer | undefined;
  let asked: RecordedUpstream['asked'];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked = { path: request.url ?? '', body: await text(request) };
    if (current === undefined) {
      response.writeHead(500).end();
      return;
    }
    const { status, contentType, bytes, isCut, headers } = current;
    const errorType = headers['x-amzn-errortype'];
    response.writeHead(status, {
      'content-type': contentType,
      ...(errorType !== undefined && { 'x-amzn-errortype': errorType }),
    });
    // A provider that dies closes its connection, and never tells the body's end.
    if (isCut) response.write(bytes, () => setTimeout(() => response.destroy(), 20));
    else response.end(bytes);
  };
  // What it throws ends the run: nothing else waits for it.
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get asked() {
      return asked;
    },
    answerWith(answer) {
      current = answer;
      asked = undefined;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
