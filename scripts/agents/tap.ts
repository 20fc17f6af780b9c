import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { parseJson, parseJsonObject } from '../../lambda/domain/json.ts';
import { textAt } from './mock/turn.ts';

/** A call as an agent made it and saw it answered, without any of its text. */
export interface TappedCall {
  readonly method: string;
  /** With the query, of which the values are left out. */
  readonly path: string;
  readonly model: string | undefined;
  readonly status: number;
  readonly requestId: string | undefined;
  /** What was left out on the way to the provider. */
  readonly dropped: string | undefined;
  readonly provider: string | undefined;
  /** What a refusal says; Sluice's messages hold no prompt. */
  readonly error: string | undefined;
  /** It was refused for what the provider cannot express. */
  readonly isUnsupported: boolean;
}

/** What stands between an agent and the gateway and writes down what it sees. It changes nothing. */
export interface Tap {
  readonly url: string;
  readonly calls: readonly TappedCall[];
  close(): Promise<void>;
}

/** Starts a tap on a free port. @param target the gateway's address */
export async function startTap(target: string): Promise<Tap> {
  const calls: TappedCall[] = [];
  const server = createServer((request, response) => {
    passOn(target, request, response).then(
      (call) => calls.push(call),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function passOn(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<TappedCall> {
  const body = await buffer(request);
  const path = request.url ?? '/';
  const method = request.method ?? 'GET';
  const { host: _host, ...headers } = request.headers;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = forward(target + path, { method, headers }, resolve).on('error', reject);
    response.on('close', () => call.destroy());
    call.end(body);
  });
  const status = answer.statusCode ?? 0;
  response.writeHead(status, answer.headers);
  const refusal: Buffer[] = [];
  for await (const chunk of answer) {
    if (status >= 400) refusal.push(chunk);
    response.write(chunk);
  }
  response.end();
  const refused = Buffer.concat(refusal).toString();
  return {
    method,
    path: withoutValues(path),
    model: askedModel(body, path),
    status,
    requestId: headerOf(answer, 'x-request-id'),
    dropped: decoded(headerOf(answer, 'x-sluice-dropped')),
    provider: headerOf(answer, 'x-sluice-provider'),
    error: status >= 400 ? messageOf(refused) : undefined,
    isUnsupported: refused.includes('"unsupported_parameter"'),
  };
}

const headerOf = (answer: IncomingMessage, name: string): string | undefined => {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Headers hold names with what they may not hold percent-encoded. */
const decoded = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : decodeURIComponent(text);

/** A query may hold a key. */
const withoutValues = (path: string): string =>
  path.replaceAll(/=[^&]*/g, '=…').replace('beta=…', 'beta=true');

function askedModel(body: Buffer, path: string): string | undefined {
  const named = textAt(parseJsonObject(body.toString()), 'model');
  return named === '' ? /\/models\/([^:?]+):/.exec(path)?.[1] : named;
}

/** The message of a refusal, in whichever envelope. */
function messageOf(text: string): string {
  const body = parseJson(text);
  const message = textAt(body, 'error', 'message') || textAt(body, 'message');
  return (message || text).slice(0, 500);
}
