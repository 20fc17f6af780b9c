import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bedrockSigner } from '../../../lambda/adapters/sigv4/bedrock-signer.ts';
import { upstreamHttp } from '../../../lambda/adapters/upstream-http/upstream-http.ts';
import { findProvider } from '../../../lambda/providers/registry.ts';
import { ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, signatureFault } from '../../bin/signature-check.ts';

const IDENTITY = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, sessionToken: SESSION_TOKEN };
const faults: (string | undefined)[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    faults.push(signatureFault(request, body, 'bedrock'));
    response.end('{}');
  });
});
let url: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server's address is never a pipe's name.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => void server.close(resolve)));

const signer = bedrockSigner({ fallbackRegion: REGION, credentials: async () => IDENTITY });
const send = upstreamHttp();

async function callSigned(path: string, body: string): Promise<string | undefined> {
  const request = {
    method: 'POST',
    url: url + path,
    headers: { 'content-type': 'application/json', 'user-agent': 'sluice', via: 'one,  two' },
    body,
  } as const;
  const headers = { ...request.headers, ...(await signer.sign(request, undefined)) };
  await send({ ...request, headers, signal: new AbortController().signal, connectTimeoutMs: 1_000 });
  return faults.at(-1);
}

describe('a signed call', () => {
  test.each([
    ['us.anthropic.claude-haiku-4-5-20251001-v1:0', '{"messages":[]}'],
    ['arn:aws:bedrock:eu-central-1:1:inference-profile/a b', '{"text":"größer 🤖"}'],
    ['amazon.nova-pro-v1:0', ''],
  ])('holds for AWS’s own way of checking it: %s', async (model, body) => {
    const path = findProvider('bedrock')
      ?.apis.find(({ dialect }) => dialect === 'bedrock-converse')
      ?.path(model, true);
    expect(await callSigned(path ?? '', body)).toBeUndefined();
  });

  test('holds with a query', async () => {
    expect(await callSigned('/openai/v1/chat/completions?b=2&a=%2F', '{}')).toBeUndefined();
  });
});

describe('the region', () => {
  test.each([
    ['https://bedrock-runtime.us-west-2.amazonaws.com', 'us-west-2'],
    ['https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['https://vpce-0a1b.bedrock-runtime.eu-west-3.vpce.amazonaws.com', 'eu-west-3'],
    ['https://bedrock-runtime.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['https://bedrock-runtime.us-west-2.amazonaws.com.evil.example', REGION],
    ['https://proxy.example', REGION],
  ])('of %s is %s', async (base, region) => {
    const { authorization } = await signer.sign(
      { method: 'POST', url: `${base}/model/m/converse`, headers: {}, body: '{}' },
      undefined,
    );
    expect(authorization).toContain(`/${region}/bedrock/aws4_request`);
  });

  test('has to be known', async () => {
    const lost = bedrockSigner({ fallbackRegion: undefined, credentials: async () => IDENTITY });
    await expect(
      lost.sign({ method: 'POST', url: 'https://proxy.example/', headers: {}, body: '' }, undefined),
    ).rejects.toMatchObject({ code: 'upstream_authentication_failed' });
  });
});

describe('the credentials of the role', () => {
  const request = { method: 'POST', url: 'https://proxy.example/', headers: {}, body: '{}' } as const;
  const rotating = (identities: readonly object[]) => {
    const asked: boolean[] = [];
    const credentials = async (options?: { readonly forceRefresh?: boolean }) => {
      asked.push(options?.forceRefresh === true);
      return { ...IDENTITY, ...identities[Math.min(asked.length, identities.length) - 1] };
    };
    return { asked, signer: bedrockSigner({ fallbackRegion: REGION, credentials }) };
  };

  test('are asked for once', async () => {
    const { asked, signer: own } = rotating([{ expiration: new Date(Date.now() + 3_600_000) }]);
    await own.sign(request, undefined);
    await own.sign(request, undefined);
    expect(asked).toEqual([false]);
  });

  test('are asked for again before they expire', async () => {
    const { asked, signer: own } = rotating([{ expiration: new Date(Date.now() + 30_000) }]);
    await own.sign(request, undefined);
    expect(asked.length).toBeGreaterThan(1);
  });

  test('are renewed when they were refused, if there are newer ones', async () => {
    const { asked, signer: own } = rotating([{}, { accessKeyId: 'AKIDNEWER' }]);
    await own.sign(request, undefined);
    expect(await own.renew(undefined)).toBe(true);
    expect(asked).toEqual([false, true]);
    expect((await own.sign(request, undefined))['authorization']).toContain('Credential=AKIDNEWER/');
    expect(await own.renew(undefined)).toBe(false);
  });

  test('that are not there are said to be missing, and nothing of them is shown', async () => {
    const none = bedrockSigner({
      fallbackRegion: REGION,
      credentials: async () => Promise.reject(new Error('secret detail')),
    });
    const signing = none.sign(request, undefined);
    await expect(signing).rejects.toMatchObject({ code: 'upstream_authentication_failed' });
    await expect(signing).rejects.not.toThrow('secret detail');
    expect(await none.renew(undefined)).toBe(false);
  });
});
