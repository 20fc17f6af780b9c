/**
 * A mock of the OpenAI chat API (`…/chat/completions`) and the Anthropic messages API (`…/messages`) over real HTTP.
 * Each request chooses its answer by the model name: `mock`, then any of these tokens, as in `mock-l20-c10-fcut-k3`:
 *
 * | token | meaning | default |
 * |---|---|---|
 * | `-l50` | 50 ms before the response's headers | 0 |
 * | `-c8` | eight chunks of text, which are also its completion tokens; never more than the request's limit | 3 |
 * | `-i10` | ms between chunks | 0 |
 * | `-b16` | each chunk has at least so many bytes | 0 |
 * | `-e429` | that status instead of an answer; 429 and 503 with `retry-after: 1` | - |
 * | `-freset` `-fhang` | closes the connection before headers; never answers | - |
 * | `-fcut` `-ftrunc` `-fstall` `-fsseerr` | in mid-answer: breaks the connection; ends too early; sends nothing more; sends an error | - |
 * | `-k2` | chunks before such a fault | 1 |
 * | `-n1` | only the first request of this model name gets the status or fault | all |
 * | `-xtools` `-xthink` | two parallel tool calls, the second without arguments; three words of reasoning before the text | text |
 * | `-u0` | reports no usage | usage |
 *
 * A credential that begins with `bad` gets 401. Text is `w0 w1 w2 …`, so what arrived can be told from what was sent.
 *
 * `node test/support/mock-upstream.ts --port 9100` runs it on its own and prints `mock upstream on <url>` when ready.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  errorText,
  type MockApi,
  type MockPiece,
  type MockRequestBody,
  streamedAnswer,
  wholeAnswer,
} from './mock-answers.ts';
import { type MockScript, scriptOf } from './mock-script.ts';

/** A request as the mock received it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

export interface MockUpstream {
  /** Without a path: the base URL of Anthropic; OpenAI's is this and `/v1`. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Answers that could not be ended, as their reader had left. */
  readonly disconnects: number;
  /** Forgets requests, disconnects and how often a model name was asked. */
  reset(): void;
  /** Stops listening and breaks every connection: the provider is gone. */
  close(): Promise<void>;
}

/** Starts a mock upstream. @param port 0: any free one */
export async function startMockUpstream(port = 0): Promise<MockUpstream> {
  const requests: SeenRequest[] = [];
  const timesAsked = new Map<string, number>();
  let disconnects = 0;
  const server = createServer((request, response) => {
    const call: Call = { request, response, requests, timesAsked, isBroken: false };
    response.on('close', () => {
      if (!response.writableFinished && !call.isBroken) disconnects += 1;
    });
    answer(call).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => socket.setNoDelay(true));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  // A listening TCP server has an address of this shape.
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    get disconnects() {
      return disconnects;
    },
    reset() {
      requests.length = 0;
      timesAsked.clear();
      disconnects = 0;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Keeps nobody's process alive: who asked may be gone. */
const sleep = (durationMs: number): Promise<void> => setTimeout(durationMs, undefined, { ref: false });

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requests: SeenRequest[];
  readonly timesAsked: Map<string, number>;
  /** Ended by a fault of ours, not by its reader. */
  isBroken: boolean;
}

async function answer(call: Call): Promise<void> {
  const { request, response, requests, timesAsked } = call;
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const text = await textOf(request);
  const api = apiOf(path);
  if (api === undefined) return respond(response, 404, errorText('openai', 404));
  const body: MockRequestBody = JSON.parse(text);
  requests.push({ path, headers: request.headers, text, body });
  if (isBadCredential(request.headers)) return respond(response, 401, errorText(api, 401));
  const model = String(body.model);
  const asked = timesAsked.get(model) ?? 0;
  timesAsked.set(model, asked + 1);
  const script = scriptOf(model, asked);
  if (script.latencyMs > 0) await sleep(script.latencyMs);
  if (script.fault === 'hang') return;
  if (script.fault === 'reset') return breakOff(call);
  if (script.status !== undefined) return respond(response, script.status, errorText(api, script.status));
  if (body.stream === true)
    await sendStream(call, { api, script, pieces: streamedAnswer(api, script, body) });
  else sendWhole(call, script, wholeAnswer(api, script, body), api);
}

function apiOf(path: string): MockApi | undefined {
  if (path.endsWith('/chat/completions')) return 'openai';
  return path.endsWith('/messages') ? 'anthropic' : undefined;
}

const isBadCredential = (headers: IncomingHttpHeaders): boolean =>
  /^(Bearer )?bad/.test(headers.authorization ?? String(headers['x-api-key'] ?? ''));

function respond(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...((status === 429 || status === 503) && { 'retry-after': '1' }),
  });
  response.end(text);
}

function breakOff(call: Call): void {
  call.isBroken = true;
  call.response.socket?.destroy();
}

function sendWhole(call: Call, { fault }: MockScript, text: string, api: MockApi): void {
  const { response } = call;
  const half = text.slice(0, text.length / 2);
  switch (fault) {
    case undefined:
      respond(response, 200, text);
      return;
    case 'sseerr':
      // Some providers say what failed in a body with status 200.
      respond(response, 200, errorText(api, 529));
      return;
    case 'trunc':
      respond(response, 200, half);
      return;
    default:
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      });
      response.write(half, () => fault === 'cut' && breakOff(call));
  }
}

interface StreamToSend {
  readonly api: MockApi;
  readonly script: MockScript;
  readonly pieces: readonly MockPiece[];
}

async function sendStream(call: Call, { api, script, pieces }: StreamToSend): Promise<void> {
  const { response } = call;
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  response.flushHeaders();
  let sent = 0;
  for (const { text, isText } of pieces) {
    const isFaultDue = isText === true && sent >= script.chunksBeforeFault;
    if (script.fault !== undefined && isFaultDue) return breakStream(call, api, script.fault);
    if (isText === true && sent > 0 && script.intervalMs > 0) await sleep(script.intervalMs);
    if (isText === true) sent += 1;
    if (response.destroyed) return;
    await written(response, text);
  }
  response.end();
}

/** Waits until the reader takes more, or is gone. */
async function written(response: ServerResponse, text: string): Promise<void> {
  if (response.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function breakStream(call: Call, api: MockApi, fault: string): void {
  const { response } = call;
  switch (fault) {
    case 'cut':
      // What was sent before has to arrive before the connection breaks.
      response.write('', () => breakOff(call));
      return;
    case 'sseerr':
      response.end(`${api === 'anthropic' ? 'event: error\n' : ''}data: ${errorText(api, 529)}\n\n`);
      return;
    case 'trunc':
      response.end();
      return;
    default:
    // Stalls: the connection stays, and nothing more is said.
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
  const upstream = await startMockUpstream(Number(values.port));
  console.log(`mock upstream on ${upstream.url}`);
}
