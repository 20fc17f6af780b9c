import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type HttpApplication,
  type HttpRequest,
  IAM_CALLER_HEADER,
  jsonResponse,
  wholeResponse,
} from '../../lambda/http/message.ts';
import { type NodeHttpServer, serve } from '../../lambda/platform/node-http.ts';

const problems: string[] = [];
let server: NodeHttpServer | undefined;

async function start(
  application: HttpApplication,
  options: { readonly maxBodyBytes?: number } = {},
): Promise<string> {
  server = await serve(application, {
    host: '127.0.0.1',
    port: 0,
    problem: (message) => problems.push(message),
    ...options,
  });
  return server.url;
}

afterEach(async () => {
  await server?.close(200);
  server = undefined;
  problems.length = 0;
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Calls the server and hands over the answer as it begins; the caller reads it, or leaves. */
function callRaw(url: string): Promise<{ readonly next: () => Promise<string>; readonly leave: () => void }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST' }, (response) => {
      const chunks = response[Symbol.asyncIterator]();
      resolve({
        next: async () => String((await chunks.next()).value),
        leave: () => {
          response.on('error', () => undefined);
          call.destroy();
        },
      });
    });
    call.on('error', reject);
    call.end('{}');
  });
}

describe('a request through node:http', () => {
  test('reaches the application as plain data', async () => {
    const seen: HttpRequest[] = [];
    const url = await start(async (received) => {
      seen.push(received);
      return jsonResponse(201, { ok: true }, { 'x-one': '1' });
    });
    const answer = await fetch(`${url}/v1/a%2Fb?x=1&x=2`, {
      method: 'POST',
      headers: { 'X-Thing': 'Value' },
      body: 'é',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-one')).toBe('1');
    expect(await answer.json()).toEqual({ ok: true });
    expect(seen[0]?.method).toBe('POST');
    expect(seen[0]?.path).toBe('/v1/a%2Fb');
    expect(seen[0]?.query.getAll('x')).toEqual(['1', '2']);
    expect(seen[0]?.headers['x-thing']).toBe('Value');
    expect(new TextDecoder().decode(seen[0]?.body)).toBe('é');
  });

  test('cannot pass itself off as signed by AWS', async () => {
    const url = await start(async ({ headers }) => jsonResponse(200, headers));
    const answer = await fetch(url, { headers: { [IAM_CALLER_HEADER]: 'arn:aws:iam::1:root' } });
    expect(await answer.json()).not.toHaveProperty(IAM_CALLER_HEADER);
  });

  test('that is larger than the limit reaches the application without its body, also when chunked', async () => {
    const url = await start(
      async ({ body, bodyTooLarge }) => jsonResponse(bodyTooLarge === true ? 413 : 200, body.length),
      {
        maxBodyBytes: 1000,
      },
    );
    const statusOf = async (size: number): Promise<readonly [number, unknown]> => {
      const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(size) });
      return [answer.status, await answer.json()];
    };
    expect(await statusOf(1000)).toEqual([200, 1000]);
    expect(await statusOf(1001)).toEqual([413, 0]);
    expect(await statusOf(7000)).toEqual([413, 0]);
  });

  test('that never stops sending is answered and cut off', async () => {
    const url = await start(async ({ bodyTooLarge }) => jsonResponse(bodyTooLarge === true ? 413 : 200, {}), {
      maxBodyBytes: 1000,
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n');
    socket.write('x'.repeat(20_000));
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  });
});

describe('an answer through node:http', () => {
  test('leaves chunk by chunk, headers first', async () => {
    const gate = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const url = await start(async () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (async function* () {
        await gate.promise;
        yield bytes('one');
        await second.promise;
        yield bytes('two');
      })(),
    }));
    // Resolves with the headers, while the body still waits for the gate.
    const answer = await callRaw(url);
    gate.resolve();
    expect(await answer.next()).toBe('one');
    second.resolve();
    expect(await answer.next()).toBe('two');
  });

  test('waits for a slow reader', async () => {
    let produced = 0;
    const url = await start(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        for (produced = 0; produced < 400; produced += 1) yield new Uint8Array(256 * 1024);
      })(),
    }));
    const answer = await callRaw(url);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(produced).toBeLessThan(100);
    answer.leave();
  });

  test('does not wait for the work after its end', async () => {
    const gate = Promise.withResolvers<void>();
    const done: string[] = [];
    const url = await start(async () => ({
      ...wholeResponse(200, {}, 'answer'),
      afterEnd: async () => {
        await gate.promise;
        done.push('settled');
      },
    }));
    const answer = await fetch(url);
    expect(await answer.text()).toBe('answer');
    expect(done).toEqual([]);
    gate.resolve();
    await server?.close();
    expect(done).toEqual(['settled']);
  });

  test('ends when its reader leaves: the signal aborts, the body is released, the work after it runs once', async () => {
    const log: string[] = [];
    const finished = Promise.withResolvers<void>();
    const url = await start(async ({ signal }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        try {
          yield bytes('one');
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          log.push('aborted');
          yield bytes('nobody reads this');
          log.push('read on');
        } finally {
          log.push('released');
        }
      })(),
      afterEnd: async () => {
        log.push('settled');
        finished.resolve();
      },
    }));
    const answer = await callRaw(url);
    expect(await answer.next()).toBe('one');
    answer.leave();
    await finished.promise;
    expect(log).toEqual(['aborted', 'released', 'settled']);
  });

  test('aborts the application also while it has not answered yet', async () => {
    const aborted = Promise.withResolvers<string>();
    const entered = Promise.withResolvers<void>();
    const url = await start(async ({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve('aborted'));
      entered.resolve();
      await aborted.promise;
      return wholeResponse(200, {}, 'late');
    });
    const leaving = new AbortController();
    const call = fetch(url, { signal: leaving.signal }).catch(() => 'left');
    await entered.promise;
    leaving.abort();
    expect(await call).toBe('left');
    expect(await aborted.promise).toBe('aborted');
  });

  test.each([
    ['throws', async (): Promise<never> => Promise.reject(new TypeError('secret detail'))],
    ['answers with headers that cannot be sent', async () => wholeResponse(200, { 'x-bad': 'a\nb' }, 'x')],
  ])('is a masked 500 when the application %s', async (_name, application) => {
    const answer = await fetch(await start(application));
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'internal', metadata: { retryable: false } } });
    expect(text).not.toContain('secret detail');
    expect(problems).toHaveLength(1);
  });

  test('is cut, not ended, when its body throws after the first chunk', async () => {
    const log: string[] = [];
    const url = await start(async () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield bytes('one');
        throw new Error('broken');
      })(),
      afterEnd: async () => void log.push('settled'),
    }));
    const answer = await callRaw(url);
    expect(await answer.next()).toBe('one');
    await expect(answer.next()).rejects.toThrow();
    await server?.close();
    expect(log).toEqual(['settled']);
    expect(problems).toEqual(['An answer broke off.']);
  });
});

describe('closing the server', () => {
  test('lets open requests finish and takes no new ones', async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const url = await start(async () => {
      entered.resolve();
      await gate.promise;
      return wholeResponse(200, {}, 'finished');
    });
    const open = fetch(url).then((answer) => answer.text());
    await entered.promise;
    const closed = server?.close(5_000);
    await expect(fetch(url)).rejects.toThrow();
    gate.resolve();
    expect(await open).toBe('finished');
    await closed;
  });

  test('cuts what is still open after the grace, and waits for the work after it', async () => {
    const log: string[] = [];
    const url = await start(async ({ signal }) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield bytes('one');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      })(),
      afterEnd: async () => void log.push('settled'),
    }));
    const answer = await callRaw(url);
    await answer.next();
    const rest = answer.next().catch(() => 'cut');
    await server?.close(50);
    expect(await rest).toBe('cut');
    expect(log).toEqual(['settled']);
  });

  test('reports a port that is taken', async () => {
    const url = await start(async () => wholeResponse(200, {}, 'x'));
    const again = serve(async () => wholeResponse(200, {}, 'y'), {
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      problem: () => undefined,
    });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
