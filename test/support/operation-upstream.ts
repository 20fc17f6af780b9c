import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request as a provider of an operation beside chat received it. */
export interface OperationRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

/** What a provider answers: a text, or bytes that come in pieces. */
export interface OperationAnswer {
  readonly status?: number;
  readonly contentType?: string;
  readonly body: string | readonly (string | Uint8Array)[];
  /** The connection breaks after the last piece. */
  readonly isCut?: boolean;
}

export interface OperationUpstream {
  /** Its base address, without a path. */
  readonly url: string;
  readonly requests: OperationRequest[];
  /** What it answers, whatever it is asked, until a test says otherwise. */
  answer: (request: OperationRequest) => OperationAnswer;
  close(): Promise<void>;
}

/** A provider of embeddings, rankings, pictures and so on, over real HTTP: it answers what a test tells it to. */
export async function startOperationUpstream(): Promise<OperationUpstream> {
  const server = createServer((request, response) => {
    buffer(request).then((bytes) => {
      const seen = seenRequest(request, bytes);
      upstream.requests.push(seen);
      send(response, upstream.answer(seen));
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  const upstream: OperationUpstream = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    answer: () => ({ status: 404, body: '{"error":{"message":"not told"}}' }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return upstream;
}

function seenRequest({ headers, url = '' }: IncomingMessage, bytes: Buffer): OperationRequest {
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return { path: url, headers, bytes, body: isJson ? JSON.parse(bytes.toString()) : undefined };
}

function send(response: ServerResponse, answer: OperationAnswer): void {
  const { status = 200, contentType = 'application/json', body, isCut } = answer;
  response.writeHead(status, { 'content-type': contentType });
  for (const piece of typeof body === 'string' ? [body] : body) response.write(piece);
  // What was written has to arrive before the connection breaks.
  if (isCut === true) response.write('', () => response.destroy());
  else response.end();
}
