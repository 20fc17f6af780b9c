import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type HttpApplication,
  type HttpRequest,
  type HttpResponse,
  IAM_CALLER_HEADER,
} from '../http/message.ts';
import { hostFailure, type ReportProblem, runAfterEnd } from './failure.ts';
import { readBody } from './read-body.ts';
import { writeChunk } from './write-chunk.ts';

/** As much as Lambda takes, in bytes. */
const DEFAULT_MAX_BODY_BYTES = 6 * 1024 * 1024;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
/** A connection on which nothing moves: longer than any answer may be waited for, so it only frees those that hang. */
const SILENT_CONNECTION_TIMEOUT_MS = 15 * 60_000;

export interface NodeHttpOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** @default 6,291,456 */
  readonly maxBodyBytes?: number;
  readonly problem: ReportProblem;
}

export interface NodeHttpServer {
  /** `http://host:port`, with the port that was bound. */
  readonly url: string;
  /**
   * Takes no more requests, waits up to `graceMs` for those that are open (with the work after their end), then cuts what
   * is left, and waits as long again for the work after that.
   */
  close(graceMs?: number): Promise<void>;
}

/** Puts an application behind `node:http`. @throws the system's error where the address cannot be bound */
export async function serve(application: HttpApplication, options: NodeHttpOptions): Promise<NodeHttpServer> {
  const open = new Set<Promise<void>>();
  const server = createServer(
    {
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      const exchange = handle({ application, options, request, response })
        .catch((error: unknown) => {
          options.problem('A request could not be answered.', error);
          response.destroy();
        })
        .finally(() => open.delete(exchange));
      open.add(exchange);
    },
  );
  server.timeout = SILENT_CONNECTION_TIMEOUT_MS;
  await listen(server, options);
  // A listening TCP server's address is never a pipe's name.
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, close: (graceMs = 10_000) => close(server, open, graceMs) };
}

interface Exchange {
  readonly application: HttpApplication;
  readonly options: NodeHttpOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function handle(exchange: Exchange): Promise<void> {
  const { application, options, request, response } = exchange;
  const caller = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) caller.abort();
  });
  const body = await readBody(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  if (body.type === 'broken') return;
  if (body.type === 'too-large' && !body.isDrained) response.setHeader('connection', 'close');
  let answer: HttpResponse;
  try {
    const bytes =
      body.type === 'whole' ? { body: body.bytes } : { body: new Uint8Array(0), bodyTooLarge: true as const };
    answer = await application({ ...requestLine(request), ...bytes, signal: caller.signal });
  } catch (error) {
    options.problem('The application threw.', error);
    answer = hostFailure();
  }
  await send(answer, response, options.problem);
  await runAfterEnd(answer, options.problem);
}

function requestLine(request: IncomingMessage): Pick<HttpRequest, 'method' | 'path' | 'query' | 'headers'> {
  // A proxy may send the whole address in the request line.
  const target = (request.url ?? '/').replace(/^https?:\/\/[^/?]*/, '');
  const question = target.indexOf('?');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  delete headers[IAM_CALLER_HEADER];
  const path = question === -1 ? target : target.slice(0, question);
  return {
    method: request.method ?? 'GET',
    path: path === '' ? '/' : path,
    query: new URLSearchParams(question === -1 ? '' : target.slice(question + 1)),
    headers,
  };
}

async function send(answer: HttpResponse, response: ServerResponse, problem: ReportProblem): Promise<void> {
  try {
    await sendBody(answer, response);
  } catch (error) {
    problem('An answer broke off.', error);
    // What was written still goes out, but no clean end: it would make the caller believe it has everything.
    if (response.headersSent) response.socket?.destroySoon();
    else await sendBody(hostFailure(), response);
  }
}

async function sendBody(answer: HttpResponse, response: ServerResponse): Promise<void> {
  let isBegun = false;
  const begin = (): void => {
    if (isBegun) return;
    response.writeHead(answer.status, answer.headers);
    isBegun = true;
  };
  // Headers travel with the first chunk where it is there already, and alone where it lets them wait.
  const headersAlone = setImmediate(() => {
    try {
      begin();
      response.flushHeaders();
    } catch {
      // Headers that cannot be sent: the first chunk meets the same error, where it is handled.
    }
  });
  try {
    for await (const chunk of answer.body) {
      clearImmediate(headersAlone);
      begin();
      if (!(await writeChunk(response, chunk))) return;
    }
    begin();
    response.end();
  } finally {
    clearImmediate(headersAlone);
  }
}

function listen(server: Server, options: NodeHttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server, open: ReadonlySet<Promise<void>>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await settledWithin(open, graceMs);
  server.closeAllConnections();
  await settledWithin(open, graceMs);
  await closed;
}

async function settledWithin(open: ReadonlySet<Promise<void>>, graceMs: number): Promise<void> {
  const timer = new AbortController();
  // The delay's own rejection, when it is cancelled, says nothing.
  const deadline = delay(graceMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(open), deadline]);
  timer.abort();
}
