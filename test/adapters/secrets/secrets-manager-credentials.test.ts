import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { secretsManagerCredentials } from '../../../lambda/adapters/secrets/secrets-manager-credentials.ts';
import { providerId } from '../../../lambda/domain/ids.ts';
import type { Credentials } from '../../../lambda/ports/credentials.ts';

interface FakeAnswer {
  readonly secret?: string;
  readonly error?: string;
}

const OPENAI = providerId('openai');
let fake: Server;
let answer: FakeAnswer;
let readings: string[];
let nowMs: number;

/** As much of Secrets Manager as GetSecretValue needs. */
beforeAll(async () => {
  fake = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      expect(request.headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
      readings.push(JSON.parse(body).SecretId);
      const { secret, error } = answer;
      response.writeHead(error === undefined ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(
        JSON.stringify(error === undefined ? { SecretString: secret } : { __type: error, message: 'no' }),
      );
    });
  });
  await new Promise<void>((resolve) => {
    fake.listen(0, '127.0.0.1', resolve);
  });
  // A listening TCP server's address is never a pipe's name.
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] =
    `http://127.0.0.1:${(fake.address() as AddressInfo).port}`;
});

afterAll(() => {
  delete process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'];
  fake.closeAllConnections();
  fake.close();
});

beforeEach(() => {
  readings = [];
  nowMs = 1_000_000;
  answer = { secret: 'one' };
});

const open = (): Credentials =>
  secretsManagerCredentials({
    client: {
      region: 'eu-central-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
      maxAttempts: 1,
    },
    secretName: (provider) => `sluice/${provider}`,
    clock: { now: () => nowMs },
  });

describe('a secret', () => {
  test.each([
    ['{"keys":["one","two"]}', ['one', 'two']],
    ['{"key":"one"}', ['one']],
    ['{"keys":"one, two"}', ['one', 'two']],
    ['["one","two"]', ['one', 'two']],
    ['"one"', ['one']],
    ['one', ['one']],
    ['one,two\n', ['one', 'two']],
    ['{"keys":[]}', []],
    ['{}', []],
    ['', []],
  ])('%j holds the keys %j', async (secret, keys) => {
    answer = { secret };
    const credentials = open();
    const dealt = [await credentials.get(OPENAI), await credentials.get(OPENAI)];
    expect(new Set(dealt.filter((key) => key !== undefined))).toEqual(new Set(keys));
    expect(readings).toEqual(['sluice/openai']);
  });
});

describe('credentials from Secrets Manager', () => {
  test('are read once for requests that come together', async () => {
    const credentials = open();
    expect(await Promise.all(Array.from({ length: 20 }, () => credentials.get(OPENAI)))).toEqual(
      Array(20).fill('one'),
    );
    expect(readings).toHaveLength(1);
  });

  test('are kept for five minutes', async () => {
    const credentials = open();
    await credentials.get(OPENAI);
    answer = { secret: 'two' };
    nowMs += 299_999;
    expect(await credentials.get(OPENAI)).toBe('one');
    nowMs += 1;
    expect(await credentials.get(OPENAI)).toBe('two');
    expect(readings).toHaveLength(2);
  });

  test('are read again when the provider refused one, at most once in ten seconds', async () => {
    const credentials = open();
    await credentials.get(OPENAI);
    answer = { secret: 'two' };
    expect(await credentials.get(OPENAI, { refused: 'one' })).toBe('one');
    nowMs += 10_000;
    const dealt = await Promise.all(
      Array.from({ length: 5 }, () => credentials.get(OPENAI, { refused: 'one' })),
    );
    expect(dealt).toEqual(Array(5).fill('two'));
    expect(readings).toHaveLength(2);
  });

  test('are not read again for a key that has been replaced already', async () => {
    answer = { secret: 'two' };
    const credentials = open();
    await credentials.get(OPENAI);
    nowMs += 60_000;
    expect(await credentials.get(OPENAI, { refused: 'one' })).toBe('two');
    expect(readings).toHaveLength(1);
  });

  test('are undefined where the provider has no secret, and looked for again after half a minute', async () => {
    answer = { error: 'ResourceNotFoundException' };
    const credentials = open();
    expect(await credentials.get(OPENAI)).toBeUndefined();
    answer = { secret: 'one' };
    nowMs += 29_999;
    expect(await credentials.get(OPENAI)).toBeUndefined();
    nowMs += 1;
    expect(await credentials.get(OPENAI)).toBe('one');
  });

  test('are an error where the secret may not be read', async () => {
    answer = { error: 'AccessDeniedException' };
    const error = await open()
      .get(OPENAI)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'GatewayError', code: 'upstream_authentication_failed' });
    expect(String(error)).toContain('AccessDeniedException');
  });

  test('recover two seconds after an error', async () => {
    answer = { error: 'InternalServiceError' };
    const credentials = open();
    await expect(credentials.get(OPENAI)).rejects.toThrow();
    answer = { secret: 'one' };
    nowMs += 2_000;
    expect(await credentials.get(OPENAI)).toBe('one');
  });

  test('are used on while the store fails', async () => {
    const credentials = open();
    await credentials.get(OPENAI);
    answer = { error: 'InternalServiceError' };
    for (let count = 0; count < 3; count += 1) {
      nowMs += 300_000;
      expect(await credentials.get(OPENAI)).toBe('one');
    }
    expect(readings).toHaveLength(4);
  });

  test('refuse a key of Sluice', async () => {
    answer = { secret: '{"keys":["sk-slu-abcdef"]}' };
    await expect(open().get(OPENAI)).rejects.toMatchObject({ code: 'upstream_authentication_failed' });
  });
});
