import { describe, expect, test } from '@jest/globals';
import { adminKeyAuthorizer, equalDigests, iamAuthorizer } from '../../lambda/admin/authorize.ts';
import { secretHash } from '../../lambda/domain/ids.ts';
import { type HttpRequest, IAM_CALLER_HEADER } from '../../lambda/http/message.ts';
import { hashSecret } from './start-admin.ts';

const requestWith = (headers: Readonly<Record<string, string>>): HttpRequest => ({
  method: 'GET',
  path: '/admin/keys',
  query: new URLSearchParams(),
  headers,
  body: new Uint8Array(),
  signal: new AbortController().signal,
});

describe('the admin key authorizer', () => {
  test('lets in the admin key, whatever the case of the scheme', async () => {
    const authorize = adminKeyAuthorizer({ adminKey: 'right', hashSecret });
    expect(await authorize(requestWith({ authorization: 'Bearer right' }))).toBe('admin-key');
    expect(await authorize(requestWith({ authorization: 'bearer right' }))).toBe('admin-key');
  });

  test.each([undefined, '', 'Bearer', 'Bearer wrong', 'Bearer right2', 'Bearer rig', 'Basic right', 'right'])(
    'refuses %s with the same error, after as much hashing as for any other key',
    async (authorization) => {
      const hashed: string[] = [];
      const authorize = adminKeyAuthorizer({
        adminKey: 'right',
        hashSecret: (secret) => {
          hashed.push(secret);
          return hashSecret(secret);
        },
      });
      hashed.length = 0;
      const request = requestWith(authorization === undefined ? {} : { authorization });
      await expect(authorize(request)).rejects.toMatchObject({
        code: 'authentication_failed',
        message: expect.stringContaining('Bearer <key>'),
      });
      expect(hashed).toHaveLength(1);
    },
  );

  test('cannot be made with an empty key', () => {
    expect(() => adminKeyAuthorizer({ adminKey: ' ', hashSecret })).toThrow('SLUICE_ADMIN_KEY');
  });
});

test('digests are compared to the end, wherever they first differ', () => {
  let reads = 0;
  class CountingText extends String {
    override charCodeAt(index: number): number {
      reads += 1;
      return super.charCodeAt(index);
    }
  }
  const digest = 'a'.repeat(64);
  const readsFor = (given: string): number => {
    reads = 0;
    // A String object does what a string does here; it only counts.
    equalDigests(secretHash(new CountingText(given) as unknown as string), secretHash(digest));
    return reads;
  };
  expect(readsFor(`b${digest.slice(1)}`)).toBe(64);
  expect(readsFor(`${digest.slice(1)}b`)).toBe(64);
  expect(readsFor(digest)).toBe(64);
  expect(equalDigests(secretHash(digest), secretHash(digest))).toBe(true);
  expect(equalDigests(secretHash(digest), secretHash(`${digest.slice(1)}b`))).toBe(false);
});

describe('the IAM authorizer', () => {
  test('names the caller the host vouches for', async () => {
    const arn = 'arn:aws:iam::123456789012:user/ada';
    expect(await iamAuthorizer()(requestWith({ [IAM_CALLER_HEADER]: arn }))).toBe(arn);
  });

  test.each([{}, { [IAM_CALLER_HEADER]: '' }])('refuses a request for which it does not', async (headers) => {
    await expect(iamAuthorizer()(requestWith(headers as Record<string, string>))).rejects.toMatchObject({
      code: 'authentication_failed',
    });
  });
});
