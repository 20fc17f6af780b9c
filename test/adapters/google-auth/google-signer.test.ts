import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { googleSigner } from '../../../lambda/adapters/google-auth/google-signer.ts';
import { parseKeys } from '../../../lambda/adapters/secrets/key-ring.ts';
import { providerId } from '../../../lambda/domain/ids.ts';
import { startTokenServer, type TokenServer } from '../../support/token-server.ts';

let tokens: TokenServer;
let nowMs: number;

beforeEach(async () => {
  tokens = await startTokenServer();
  nowMs = 1_000_000;
});
afterEach(() => tokens.close());

const REQUEST = { method: 'POST', url: 'https://vertex.example/', headers: {}, body: '{}' } as const;
const newSigner = () => googleSigner({ now: () => nowMs });

describe('the token of a service account', () => {
  test('is had for what the account signs, and sent as a bearer token', async () => {
    expect(await newSigner().sign(REQUEST, tokens.account)).toEqual({ authorization: 'Bearer token-1' });
    expect(tokens.seen).toMatchObject([
      {
        isSigned: true,
        grant: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        iss: 'sluice@my-project.iam.gserviceaccount.com',
        scope: 'https://www.googleapis.com/auth/cloud-platform',
        aud: JSON.parse(tokens.account).token_uri,
      },
    ]);
  });

  test('is kept, and requests that come together wait for one', async () => {
    const signer = newSigner();
    await Promise.all([1, 2, 3].map(() => signer.sign(REQUEST, tokens.account)));
    await signer.sign(REQUEST, tokens.account);
    expect(tokens.seen).toHaveLength(1);
  });

  test('is had anew when it is about to expire', async () => {
    tokens.lifetimeSeconds = 60;
    const signer = newSigner();
    await signer.sign(REQUEST, tokens.account);
    tokens.lifetimeSeconds = 3_600;
    expect(await signer.sign(REQUEST, tokens.account)).toEqual({ authorization: 'Bearer token-2' });
  });

  test('is had anew when it was refused, but not one that was just made', async () => {
    const signer = newSigner();
    await signer.sign(REQUEST, tokens.account);
    expect(await signer.renew(tokens.account)).toBe(false);
    nowMs += 60_000;
    expect(await signer.renew(tokens.account)).toBe(true);
    expect(await signer.sign(REQUEST, tokens.account)).toEqual({ authorization: 'Bearer token-2' });
  });

  test('that is not given is the operator’s affair, and nothing of the account is shown', async () => {
    tokens.lifetimeSeconds = undefined;
    const signer = newSigner();
    const signing = signer.sign(REQUEST, tokens.account);
    await expect(signing).rejects.toMatchObject({ code: 'upstream_authentication_failed' });
    await expect(signing).rejects.not.toThrow(/my-project|PRIVATE/);
    tokens.lifetimeSeconds = 3_600;
    expect(await signer.sign(REQUEST, tokens.account)).toEqual({ authorization: 'Bearer token-2' });
  });

  test('that cannot be had shows nothing of the account to whoever reads the log', async () => {
    // As it is when not all of it was pasted.
    const broken = tokens.account.slice(0, -1);
    const failure = await newSigner()
      .sign(REQUEST, broken)
      .catch((thrown: unknown) => thrown);
    expect(inspect(failure)).not.toMatch(/my-project|PRIVATE/);
  });

  test.each(['', '/nowhere/account.json', '{"type":"service_account"}', '{"type":"external_account"}', '{}'])(
    'is not had with %j',
    async (credential) => {
      await expect(newSigner().sign(REQUEST, credential)).rejects.toMatchObject({
        code: 'upstream_authentication_failed',
      });
    },
  );
});

describe('the credential', () => {
  test('is one account’s JSON, however its secret wraps it', async () => {
    for (const text of [tokens.account, `{"keys":[${tokens.account}]}`, `[${tokens.account}]`]) {
      const keys = parseKeys(providerId('vertex'), text);
      expect(keys).toHaveLength(1);
      expect(await newSigner().sign(REQUEST, keys[0])).toHaveProperty('authorization');
    }
  });

  test('may be the path of the account’s file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-account-'));
    const file = join(folder, 'account.json');
    writeFileSync(file, tokens.account);
    try {
      expect(await newSigner().sign(REQUEST, file)).toEqual({ authorization: 'Bearer token-1' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
