import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type HttpApplication,
  type HttpRequest,
  IAM_CALLER_HEADER,
  jsonResponse,
} from '../../lambda/http/message.ts';
import { functionUrlHandler } from '../../lambda/platform/function-url.ts';
import type { FunctionUrlEvent } from '../../lambda/platform/function-url-event.ts';
import { LambdaStream } from './lambda-stream.ts';

const runtime = globalThis as { awslambda?: unknown };
const problems: string[] = [];

beforeEach(() => {
  runtime.awslambda = { streamifyResponse: (handler: unknown) => handler, HttpResponseStream: LambdaStream };
});
afterEach(() => {
  delete runtime.awslambda;
  problems.length = 0;
});

const EVENT: FunctionUrlEvent = {
  rawPath: '/v1/a%2Fb',
  rawQueryString: 'x=1&x=2&y=a%20b',
  headers: { 'X-Api-Key': 'sk-slu-x', [IAM_CALLER_HEADER]: 'arn:aws:iam::1:root' },
  body: '{"hi":"é"}',
  isBase64Encoded: false,
  requestContext: { http: { method: 'POST' } },
};

async function invoke(
  application: HttpApplication,
  event: FunctionUrlEvent = EVENT,
  stream = new LambdaStream(),
): Promise<LambdaStream> {
  const handler = functionUrlHandler(application, { problem: (message) => problems.push(message) });
  expect(await handler(event, stream, {})).toBeUndefined();
  expect(stream.writableEnded || stream.destroyed).toBe(true);
  return stream;
}

async function seenBy(event: FunctionUrlEvent): Promise<HttpRequest> {
  const seen: HttpRequest[] = [];
  await invoke(async (request) => {
    seen.push(request);
    return jsonResponse(200, {});
  }, event);
  const [request] = seen;
  if (request === undefined) throw new Error('The application was not called.');
  return request;
}

const body = (...parts: readonly (string | Error)[]): AsyncIterable<Uint8Array> =>
  (async function* () {
    for (const part of parts) {
      if (part instanceof Error) throw part;
      yield new TextEncoder().encode(part);
    }
  })();

describe('an event of a function URL', () => {
  test('becomes a request: raw path, every query value, lower-case headers, text body', async () => {
    const request = await seenBy(EVENT);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/a%2Fb' });
    expect(request.query.getAll('x')).toEqual(['1', '2']);
    expect(request.query.get('y')).toBe('a b');
    expect(request.headers).toEqual({ 'x-api-key': 'sk-slu-x' });
    expect(new TextDecoder().decode(request.body)).toBe('{"hi":"é"}');
  });

  test('may carry its body in base64', async () => {
    const request = await seenBy({
      ...EVENT,
      body: Buffer.from([0, 255, 128]).toString('base64'),
      isBase64Encoded: true,
    });
    expect([...request.body]).toEqual([0, 255, 128]);
  });

  test('may be anything: a direct invocation still gets an answer', async () => {
    expect(await seenBy({})).toMatchObject({ method: 'GET', path: '/' });
  });
});

describe('an answer of a function URL', () => {
  test('has its status and headers, and each chunk as it came', async () => {
    const stream = await invoke(async () => ({
      status: 201,
      headers: { 'x-one': '1' },
      body: body('one', 'two'),
    }));
    expect(stream.status).toBe(201);
    expect(stream.headers).toEqual({ 'x-one': '1' });
    expect(stream.chunks).toEqual(['one', 'two']);
  });

  test('keeps its status when its body is empty', async () => {
    const stream = await invoke(async () => ({ status: 204, headers: { 'x-one': '1' }, body: body() }));
    expect(stream.status).toBe(204);
    expect(stream.headers).toEqual({ 'x-one': '1' });
  });

  test('is made no faster than it is sent', async () => {
    const sent: string[] = [];
    let ahead = 0;
    const stream = new LambdaStream(async (chunk) => {
      await new Promise((resolve) => setImmediate(resolve));
      sent.push(chunk.toString());
    });
    await invoke(
      async () => ({
        status: 200,
        headers: {},
        body: (async function* () {
          for (let made = 0; made < 50; made += 1) {
            ahead = Math.max(ahead, made - sent.length);
            yield new TextEncoder().encode('0123456789abcdef');
          }
        })(),
      }),
      EVENT,
      stream,
    );
    expect(stream.chunks).toHaveLength(50);
    expect(ahead).toBeLessThanOrEqual(1);
  });

  test('is followed by the work after its end, which the invocation waits for', async () => {
    const log: string[] = [];
    const stream = new LambdaStream();
    await invoke(
      async () => ({
        status: 200,
        headers: {},
        body: body('one'),
        afterEnd: async () => {
          log.push(`ended: ${stream.writableEnded}`);
          await new Promise((resolve) => setImmediate(resolve));
          log.push('settled');
        },
      }),
      EVENT,
      stream,
    );
    expect(log).toEqual(['ended: true', 'settled']);
  });

  test('ends cleanly when its body throws, and the work after it still runs', async () => {
    const log: string[] = [];
    const stream = await invoke(async () => ({
      status: 200,
      headers: {},
      body: body('one', new Error('broken')),
      afterEnd: async () => void log.push('settled'),
    }));
    expect(stream.text).toBe('one');
    expect(stream.destroyed && stream.errored !== null).toBe(false);
    expect(log).toEqual(['settled']);
    expect(problems).toEqual(['An answer broke off.']);
  });

  test.each([
    ['the application throws', async (): Promise<never> => Promise.reject(new TypeError('secret detail'))],
    [
      'the body throws before its first chunk',
      async () => ({ status: 200, headers: {}, body: body(new Error('secret detail')) }),
    ],
  ])('is a masked 500 when %s', async (_name, application) => {
    const stream = await invoke(application);
    expect(stream.status).toBe(500);
    expect(JSON.parse(stream.text)).toMatchObject({ error: { code: 'internal' } });
    expect(stream.text).not.toContain('secret detail');
    expect(problems).toHaveLength(1);
  });

  test('is given up, without an unhandled error, when the stream to the caller breaks', async () => {
    const log: string[] = [];
    const stream = new LambdaStream(async () => {
      throw new Error('runtime gone');
    });
    await invoke(
      async () => ({
        status: 200,
        headers: {},
        body: (async function* () {
          try {
            for (;;) {
              yield new TextEncoder().encode('0123456789abcdef');
              await new Promise((resolve) => setImmediate(resolve));
            }
          } finally {
            log.push('released');
          }
        })(),
        afterEnd: async () => void log.push('settled'),
      }),
      EVENT,
      stream,
    );
    expect(log).toEqual(['released', 'settled']);
    expect(problems).toContain('The response stream broke.');
  });

  test('survives a failure of the work after its end', async () => {
    await invoke(async () => ({
      ...jsonResponse(200, {}),
      afterEnd: () => Promise.reject(new Error('store gone')),
    }));
    expect(problems).toEqual(['The work after an answer failed.']);
  });
});

test('says what is missing when it is invoked where nothing streams', async () => {
  delete runtime.awslambda;
  const handler = functionUrlHandler(async () => jsonResponse(200, {}), { problem: () => undefined });
  await expect(handler(EVENT)).rejects.toThrow(/RESPONSE_STREAM/);
});
