import { describe, expect, test } from '@jest/globals';
import { type HttpApplication, IAM_CALLER_HEADER, jsonResponse } from '../../lambda/http/message.ts';
import { type BufferedAnswer, bufferedUrlHandler } from '../../lambda/platform/buffered-url.ts';
import type { FunctionUrlEvent } from '../../lambda/platform/function-url-event.ts';

const invoke = (application: HttpApplication, event: FunctionUrlEvent = {}): Promise<BufferedAnswer> =>
  bufferedUrlHandler(application, { problem: () => undefined })(event);

describe('a buffered function URL', () => {
  test('answers whole', async () => {
    expect(await invoke(async () => jsonResponse(201, { name: 'é' }, { 'x-one': '1' }))).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'application/json', 'x-one': '1' },
      body: '{"name":"é"}',
      isBase64Encoded: false,
    });
  });

  test('sends bytes that are no text in base64', async () => {
    const body = (async function* () {
      yield new Uint8Array([0, 255]);
    })();
    expect(await invoke(async () => ({ status: 200, headers: {}, body }))).toMatchObject({
      body: 'AP8=',
      isBase64Encoded: true,
    });
  });

  test('passes on who signed the request, and only what AWS says of it', async () => {
    const callerOf = async (event: FunctionUrlEvent): Promise<unknown> =>
      JSON.parse(
        (
          await invoke(
            async ({ headers }) => jsonResponse(200, headers[IAM_CALLER_HEADER] ?? 'nobody'),
            event,
          )
        ).body,
      );
    const forged = { 'X-Sluice-Iam-Arn': 'arn:aws:iam::1:root' };
    const signed = { authorizer: { iam: { userArn: 'arn:aws:iam::2:user/a' } } };
    expect(await callerOf({ headers: forged })).toBe('nobody');
    expect(await callerOf({ headers: forged, requestContext: signed })).toBe('arn:aws:iam::2:user/a');
  });

  test('finishes the work after the answer before it answers', async () => {
    const log: string[] = [];
    await invoke(async () => ({ ...jsonResponse(200, {}), afterEnd: async () => void log.push('settled') }));
    expect(log).toEqual(['settled']);
  });

  test('masks what the application throws', async () => {
    const answer = await invoke(() => Promise.reject(new Error('secret detail')));
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret detail');
  });
});
