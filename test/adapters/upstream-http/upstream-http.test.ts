import { execFile } from 'node:child_process';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { upstreamHttp } from '../../../lambda/adapters/upstream-http/upstream-http.ts';
import type { UpstreamRequest } from '../../../lambda/ports/upstream.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // A listening TCP server's address is never a pipe's name.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?x=1`;
}

const serveHttp = (handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> =>
  listen(createHttpServer(handler));

/** A server that answers each request on a connection with what `answer` writes, whatever HTTP says. */
const serveRaw = (answer: (socket: Socket, countOnSocket: number) => void): Promise<string> =>
  listen(
    createServer((socket) => {
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        answer(socket, requests);
      });
    }),
  );

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const requestTo = (url: string, changes: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk-secret' },
  body: '{"prompt":"private"}',
  signal: new AbortController().signal,
  connectTimeoutMs: 2_000,
  ...changes,
});

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString();
}

const WHOLE = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a call to a provider', () => {
  test('sends what it is given and hands back status, headers and body', async () => {
    let seen = '';
    const url = await serveHttp((request, response) => {
      request.on('data', (chunk) => {
        seen += chunk;
      });
      request.on('end', () => {
        response.writeHead(
          429,
          [
            ['X-One', '1'],
            ['x-one', '2'],
            ['retry-after', '3'],
          ].flat(),
        );
        response.end(JSON.stringify([request.method, request.url, request.headers]));
      });
    });
    const response = await upstreamHttp()(requestTo(url));
    expect(response.status).toBe(429);
    expect(response.headers).toMatchObject({ 'x-one': '1, 2', 'retry-after': '3' });
    const [method, path, headers] = JSON.parse(await textOf(response.body));
    expect([method, path]).toEqual(['POST', '/path?x=1']);
    expect(headers).toMatchObject({
      authorization: 'Bearer sk-secret',
      'accept-encoding': 'identity',
      'content-length': '20',
    });
    expect(seen).toBe('{"prompt":"private"}');
  });

  test('follows no redirect', async () => {
    const url = await serveHttp((_request, response) =>
      response.writeHead(307, { location: '/elsewhere' }).end('moved'),
    );
    expect((await upstreamHttp()(requestTo(url))).status).toBe(307);
  });

  test('streams: a chunk is there before the next one is sent', async () => {
    const gate = Promise.withResolvers<void>();
    const url = await serveHttp((_request, response) => {
      response.write('one');
      gate.promise.then(
        () => response.end('two'),
        () => undefined,
      );
    });
    const { body } = await upstreamHttp()(requestTo(url));
    const chunks = body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    gate.resolve();
    expect(String((await chunks.next()).value)).toBe('two');
    expect((await chunks.next()).done).toBe(true);
  });

  test('uses its connections again', async () => {
    const ports = new Set<number | undefined>();
    const url = await serveHttp((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    const send = upstreamHttp();
    for (let count = 0; count < 3; count += 1) await textOf((await send(requestTo(url))).body);
    expect(ports.size).toBe(1);
  });

  test('keeps the connection when its reader stops at the format’s end, just before HTTP’s', async () => {
    const ports = new Set<number | undefined>();
    const url = await serveHttp((request, response) => {
      ports.add(request.socket.remotePort);
      response.write('data: [DONE]\n\n');
      setImmediate(() => response.end());
    });
    const send = upstreamHttp();
    for (let count = 0; count < 3; count += 1) {
      for await (const _chunk of (await send(requestTo(url))).body) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(ports.size).toBe(1);
  });

  test('is closed when its reader stops in the middle', async () => {
    const closed = Promise.withResolvers<string>();
    const url = await serveHttp((_request, response) => {
      response.on('close', () => closed.resolve('closed'));
      response.write('one');
    });
    const { body } = await upstreamHttp()(requestTo(url));
    for await (const _chunk of body) break;
    expect(await closed.promise).toBe('closed');
  });
});

describe('a call that fails', () => {
  test('says "connection" where nobody listens, and tells nothing of what was sent', async () => {
    const url = await serveRaw(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const error = await upstreamHttp()(requestTo(url)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'UpstreamTransportError', kind: 'connection' });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toMatch(/secret|private/);
  });

  test.each(['nonsense', 'ftp://127.0.0.1/x'])('says "connection" for the address %s', async (url) => {
    await expect(upstreamHttp()(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
  });

  test('says "connect-timeout" where the connection does not come to stand', async () => {
    // A TLS handshake that nobody answers.
    const url = (await listen(createServer())).replace('http:', 'https:');
    await expect(upstreamHttp()(requestTo(url, { connectTimeoutMs: 50 }))).rejects.toMatchObject({
      kind: 'connect-timeout',
    });
  });

  test('does not count the time until the answer as connecting', async () => {
    const url = await serveHttp((_request, response) => void setTimeout(() => response.end('late'), 150));
    const response = await upstreamHttp()(requestTo(url, { connectTimeoutMs: 50 }));
    expect(await textOf(response.body)).toBe('late');
  });

  test('says "connection" where a new connection is reset before the answer, and is not sent again', async () => {
    let requests = 0;
    const url = await serveRaw((socket) => {
      requests += 1;
      socket.resetAndDestroy();
    });
    await expect(upstreamHttp()(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
    expect(requests).toBe(1);
  });

  test('says "connection" for what is no HTTP', async () => {
    const url = await serveRaw((socket) => socket.end('hello\r\n\r\n'));
    await expect(upstreamHttp()(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
  });

  test.each([
    ['ends before its content-length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart', 'end'],
    [
      'ends without its last chunk',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n',
      'end',
    ],
    ['is reset', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n', 'reset'],
    [
      'breaks the chunked encoding',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n',
      'stay',
    ],
  ])('says "connection" to its reader where the answer %s', async (_name, text, then) => {
    const url = await serveRaw((socket) => {
      socket.write(text);
      if (then === 'end') socket.end();
      if (then === 'reset') setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const { status, body } = await upstreamHttp()(requestTo(url));
    expect(status).toBe(200);
    let read = '';
    const reading = (async () => {
      for await (const chunk of body) read += Buffer.from(chunk).toString();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'UpstreamTransportError', kind: 'connection' });
    expect(read).toBe('part');
  });

  test('ends well where only the closed connection says so', async () => {
    const url = await serveRaw((socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall'));
    expect(await textOf((await upstreamHttp()(requestTo(url))).body)).toBe('all');
  });
});

describe('a call that is given up', () => {
  test('says "aborted" before it is sent, while it waits, and while it is read', async () => {
    const url = await serveHttp((request, response) => {
      if (request.headers['x-answer'] === 'yes') response.write('one');
    });
    const send = upstreamHttp();
    await expect(send(requestTo(url, { signal: AbortSignal.abort() }))).rejects.toMatchObject({
      kind: 'aborted',
    });

    const waiting = new AbortController();
    const call = send(requestTo(url, { signal: waiting.signal }));
    setTimeout(() => waiting.abort(), 30);
    await expect(call).rejects.toMatchObject({ kind: 'aborted' });

    const reading = new AbortController();
    const { body } = await send(requestTo(url, { signal: reading.signal, headers: { 'x-answer': 'yes' } }));
    const chunks = body[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('one');
    setTimeout(() => reading.abort(), 30);
    await expect(chunks.next()).rejects.toMatchObject({ kind: 'aborted' });
  });

  test('closes the connection to the provider', async () => {
    const closed = Promise.withResolvers<string>();
    const url = await serveHttp((_request, response) => {
      response.on('close', () => closed.resolve('closed'));
      response.write('one');
    });
    const leaving = new AbortController();
    const { body } = await upstreamHttp()(requestTo(url, { signal: leaving.signal }));
    await body[Symbol.asyncIterator]().next();
    leaving.abort();
    expect(await closed.promise).toBe('closed');
  });
});

const MODULE = join(import.meta.dirname, '../../../lambda/adapters/upstream-http/upstream-http.ts');

test('a connection that is used again gathers no listeners', async () => {
  const url = await serveRaw((socket) => socket.write(WHOLE));
  // In a process of its own, whose warnings can be read.
  const program = `
    const { upstreamHttp } = await import(${JSON.stringify(MODULE)});
    const send = upstreamHttp();
    const request = { method: 'POST', url: ${JSON.stringify(url)}, headers: {}, body: '{}', signal: new AbortController().signal, connectTimeoutMs: 1000 };
    for (let call = 0; call < 30; call += 1) for await (const _ of (await send(request)).body);
    process.exit(0);`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect(stderr).not.toContain('MaxListenersExceeded');
});

describe('what a provider can know of a failed call', () => {
  test('is nothing where it was given up before it was sent', async () => {
    const given = requestTo('http://127.0.0.1:9', { signal: AbortSignal.abort() });
    await expect(upstreamHttp()(given)).rejects.toMatchObject({ kind: 'aborted', mayHaveArrived: false });
  });

  test('is nothing where no connection stood', async () => {
    const refused = upstreamHttp()(requestTo('http://127.0.0.1:9'));
    await expect(refused).rejects.toMatchObject({ kind: 'connection', mayHaveArrived: false });
  });

  test('may be all of it where the connection stood', async () => {
    const leaving = new AbortController();
    const url = await serveRaw(() => leaving.abort());
    const sent = upstreamHttp()(requestTo(url, { signal: leaving.signal }));
    await expect(sent).rejects.toMatchObject({ kind: 'aborted', mayHaveArrived: true });
  });
});

describe('a connection that went stale while it lay idle', () => {
  test('is replaced, and the call sent once more', async () => {
    const connections: string[] = [];
    const url = await serveRaw((socket, countOnSocket) => {
      connections.push(`${socket.remotePort}`);
      // As a peer that forgot the connection: its answer to the second request is a reset.
      if (countOnSocket > 1) socket.resetAndDestroy();
      else socket.write(WHOLE);
    });
    const send = upstreamHttp();
    expect(await textOf((await send(requestTo(url))).body)).toBe('ok');
    expect(await textOf((await send(requestTo(url))).body)).toBe('ok');
    expect(connections).toHaveLength(3);
    expect(new Set(connections).size).toBe(2);
  });

  test('is replaced only once', async () => {
    let requests = 0;
    const url = await serveRaw((socket) => {
      requests += 1;
      if (requests > 1) socket.resetAndDestroy();
      else socket.write(WHOLE);
    });
    const send = upstreamHttp();
    await textOf((await send(requestTo(url))).body);
    await expect(send(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
    expect(requests).toBe(3);
  });

  test('is not replaced when the peer held the call for a while: it may have been carried out', async () => {
    let requests = 0;
    const url = await serveRaw((socket) => {
      requests += 1;
      if (requests > 1) setTimeout(() => socket.resetAndDestroy(), 700);
      else socket.write(WHOLE);
    });
    const send = upstreamHttp();
    await textOf((await send(requestTo(url))).body);
    await expect(send(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
    expect(requests).toBe(2);
  });

  test('is not replaced when the answer had begun', async () => {
    let requests = 0;
    const url = await serveRaw((socket) => {
      requests += 1;
      if (requests === 1) socket.write(WHOLE);
      else socket.end('HTTP/1.1 2');
    });
    const send = upstreamHttp();
    await textOf((await send(requestTo(url))).body);
    await expect(send(requestTo(url))).rejects.toMatchObject({ kind: 'connection' });
    expect(requests).toBe(2);
  });
});
