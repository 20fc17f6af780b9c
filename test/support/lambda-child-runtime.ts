/**
 * One execution environment: `node lambda-child-runtime.ts <folder> [<caller ARN>]` loads the folder's `index.mjs` as
 * Lambda's Node runtime does, behind a front that speaks HTTP as a function URL does. With an ARN the URL is one that asks
 * for AWS_IAM, and that principal signed every request.
 *
 * What it shares with AWS's own runtime client (aws-lambda-ric 4): one invocation at a time; `awslambda` as a global;
 * status and headers leave with the first `write`, as JSON and eight NULs, and are lost where `end` comes without one; no
 * word of a caller who has left; a handler that throws before the first byte is a 502, after it a broken connection; a
 * rejection nobody waits for is Node's to decide, which means the end.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { ChildCommand, ChildMessage } from './lambda-child-messages.ts';

interface Prelude {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const PRELUDE_END = Buffer.alloc(8);

/** What the handler writes to: the body of the runtime's call to its service. */
class ResponseStream extends Writable {
  /** The prelude's content type was set, so the service looks for a prelude. */
  hasPrelude = false;
  #prelude: Prelude | undefined;
  #isWritten = false;
  readonly #front: Front;

  constructor(front: Front) {
    super();
    this.#front = front;
  }

  static from(stream: ResponseStream, prelude: Prelude): ResponseStream {
    if (stream.#isWritten) throw new Error('Cannot set content-type, too late.');
    stream.hasPrelude = true;
    stream.#prelude = prelude;
    return stream;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature is Writable's own
  override write(...given: readonly any[]): boolean {
    if (!this.#isWritten) {
      this.#isWritten = true;
      if (this.#prelude !== undefined) {
        super.write(JSON.stringify(this.#prelude), 'utf8');
        super.write(PRELUDE_END, 'buffer' as BufferEncoding);
      }
    }
    return super.write(given[0], given[1]);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#front.receive(chunk, this.hasPrelude);
    done();
  }
}

/** The service's side: takes the prelude off and passes every write on as it comes. */
class Front {
  readonly #response: ServerResponse;
  #head = Buffer.alloc(0);

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  receive(chunk: Buffer, hasPrelude: boolean): void {
    if (this.#response.headersSent || !hasPrelude) {
      this.#send(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf(PRELUDE_END);
    if (end === -1) return;
    const prelude: Prelude = JSON.parse(this.#head.subarray(0, end).toString());
    this.#response.writeHead(prelude.statusCode, { ...prelude.headers });
    this.#response.flushHeaders();
    const rest = this.#head.subarray(end + PRELUDE_END.length);
    if (rest.length > 0) this.#send(rest);
  }

  /** A caller who has left is not told of: the bytes go nowhere. */
  #send(chunk: Buffer): void {
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { 'content-type': 'application/octet-stream' });
    if (!this.#response.destroyed) this.#response.write(chunk);
  }

  end(): void {
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { 'content-type': 'application/octet-stream' });
    this.#response.end();
  }

  fail(): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end('Internal Server Error');
  }
}

type Handler = (event: unknown, ...rest: unknown[]) => Promise<unknown>;
const streaming = new WeakSet<Handler>();

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse(handler: Handler): Handler {
      streaming.add(handler);
      return handler;
    },
    HttpResponseStream: ResponseStream,
  },
});

const [, , directory = '', callerArn] = process.argv;
const { handler }: { readonly handler: Handler } = await import(
  pathToFileURL(join(directory, 'index.mjs')).href
);

/** An environment answers one request after another. */
let last: Promise<unknown> = Promise.resolve();
const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
  const result = last.then(work);
  last = result.catch(() => undefined);
  return result;
};

/** @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
async function urlEvent(request: IncomingMessage): Promise<object> {
  const body = await buffer(request);
  const [path = '/', query = ''] = (request.url ?? '/').split('?');
  const isText = /json|text|xml|javascript/.test(request.headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: request.headers,
    requestContext: {
      http: { method: request.method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
      ...(callerArn !== undefined && { authorizer: { iam: { userArn: callerArn } } }),
    },
    ...(body.length > 0 && { body: isText ? body.toString('utf8') : body.toString('base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

async function invokeStreaming(event: object, response: ServerResponse): Promise<void> {
  const front = new Front(response);
  const stream = new ResponseStream(front);
  stream.on('finish', () => front.end());
  try {
    await handler(event, stream, {});
    if (!stream.writableFinished) throw new Error('Response stream is not finished.');
  } catch (error) {
    process.stderr.write(`The handler failed: ${String(error)}\n`);
    front.fail();
  }
}

interface BufferedResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

async function invokeBuffered(event: object, response: ServerResponse): Promise<void> {
  try {
    // What a function behind a buffered URL returns; JSON is all that the service gets to see.
    const result = JSON.parse(JSON.stringify(await handler(event, {}))) as BufferedResult;
    response.writeHead(result.statusCode, { ...result.headers });
    response.end(Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'));
  } catch (error) {
    process.stderr.write(`The handler failed: ${String(error)}\n`);
    response.writeHead(502).end('Internal Server Error');
  }
}

const tell = (message: ChildMessage): void => void process.send?.(message);

let passedMs = 0;
const realNow = Date.now;
Date.now = () => realNow() + passedMs;

async function obey({ command }: ChildCommand): Promise<unknown> {
  switch (command.type) {
    case 'invoke':
      return inTurn(() => handler(command.event, {}));
    case 'wait-until-idle':
      return inTurn(async () => undefined);
    case 'pass-time':
      passedMs += command.milliseconds;
      return undefined;
  }
}

process.on('message', (message) => {
  // Only the test that started this process sends messages.
  const command = message as ChildCommand;
  obey(command).then(
    (result) => tell({ type: 'result', id: command.id, result }),
    (error) => tell({ type: 'failure', id: command.id, message: String(error) }),
  );
});
process.on('disconnect', () => process.exit());

const server = createServer((request, response) => {
  response.on('error', () => undefined);
  const invocation = urlEvent(request).then((event) =>
    inTurn(() =>
      streaming.has(handler) ? invokeStreaming(event, response) : invokeBuffered(event, response),
    ),
  );
  // A request that broke off never becomes an event.
  invocation.catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  // A listening TCP server has an address of this shape.
  tell({ type: 'listening', port: (server.address() as AddressInfo).port });
});
