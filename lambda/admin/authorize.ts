import { GatewayError } from '../domain/errors.ts';
import type { SecretHash } from '../domain/ids.ts';
import { type HttpRequest, IAM_CALLER_HEADER } from '../http/message.ts';

/**
 * Decides who calls the control plane.
 * @returns the actor, for the log
 * @throws GatewayError `authentication_failed`, with one message for every way to fail
 */
export type Authorize = (request: HttpRequest) => Promise<string>;

export interface AdminKeySettings {
  readonly adminKey: string;
  /** SHA-256 as lower-case hex. */
  readonly hashSecret: (secret: string) => SecretHash;
}

/**
 * Lets in whoever sends the admin key as `Authorization: Bearer …`. Digests are compared, all characters of them, so
 * that the time it takes tells nothing of the key.
 * @throws Error when made with an empty key, which would be no protection
 */
export function adminKeyAuthorizer({ adminKey, hashSecret }: AdminKeySettings): Authorize {
  if (adminKey.trim() === '')
    throw new Error('The admin key is empty: set SLUICE_ADMIN_KEY to a long random text.');
  const expected = hashSecret(adminKey);
  return async function authorizeAdminKey(request) {
    const given = /^Bearer +(\S+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
    // A missing key takes the same path as a wrong one.
    if (!equalDigests(hashSecret(given ?? ''), expected)) throw notAuthorized();
    return 'admin-key';
  };
}

/**
 * Trusts the host: where the URL's auth type is AWS_IAM, it has checked the signature and names the caller in a header that
 * nobody outside can set.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
 */
export function iamAuthorizer(): Authorize {
  return async function authorizeIamCaller(request) {
    const arn = request.headers[IAM_CALLER_HEADER];
    if (arn === undefined || arn === '') throw notAuthorized();
    return arn;
  };
}

/** Looks at every character whatever the first ones are. */
export function equalDigests(a: SecretHash, b: SecretHash): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

const notAuthorized = (): GatewayError =>
  new GatewayError(
    'authentication_failed',
    'The control plane needs the admin key as "Authorization: Bearer <key>", or a request signed by an AWS principal that may call it.',
  );
