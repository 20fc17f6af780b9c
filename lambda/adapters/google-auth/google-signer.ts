import { readFile } from 'node:fs/promises';
import { JWT } from 'google-auth-library';
import { GatewayError } from '../../domain/errors.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { RequestSigner } from '../../ports/request-signer.ts';

/** @see https://developers.google.com/identity/protocols/oauth2/scopes#aiplatform */
const SCOPES: readonly string[] = ['https://www.googleapis.com/auth/cloud-platform'];

/** What the library asks for tokens, whatever a service account's JSON says. */
const LIBRARY_TOKEN_URI = 'https://oauth2.googleapis.com/token';

/** How long Google may take for a token. */
const TOKEN_TIMEOUT_MS = 10_000;

/** A token that was had so lately is not the reason for a refusal. */
const LEAST_RENEWAL_MS = 10_000;

interface Account {
  readonly client: Promise<JWT>;
  readonly madeAtMs: number;
}

/**
 * Proves calls to Google Cloud with a token of a service account. The credential is the account's JSON, or the path of its
 * file. Tokens are kept until shortly before they expire, and requests that come together wait for one.
 * @see https://cloud.google.com/iam/docs/service-account-creds#key-types
 */
export function googleSigner(clock: { now(): number }): RequestSigner {
  const accounts = new Map<string, Account>();
  const accountOf = (credential: string): Account => {
    const account = accounts.get(credential) ?? { client: clientOf(credential), madeAtMs: clock.now() };
    accounts.set(credential, account);
    return account;
  };
  return {
    async sign(_request, credential = '') {
      try {
        const client = await accountOf(credential).client;
        const { token } = await client.getAccessToken();
        if (typeof token !== 'string' || token === '') throw new Error('Google gave no token.');
        return { authorization: `Bearer ${token}` };
      } catch (cause) {
        // What failed once is not kept: the next request tries again.
        accounts.delete(credential);
        throw new GatewayError(
          'upstream_authentication_failed',
          'The gateway could not get a token for Google Cloud with its service account. The operator has to see to it.',
          { cause },
        );
      }
    },
    async renew(credential = '') {
      const account = accounts.get(credential);
      if (account === undefined || clock.now() - account.madeAtMs < LEAST_RENEWAL_MS) return false;
      accounts.delete(credential);
      return true;
    },
  };
}

/** The library asks Google itself for tokens; an account of another cloud's (or of a test) says who is asked instead. */
async function clientOf(credential: string): Promise<JWT> {
  const account = parseJsonObject(credential) ?? parseJsonObject(await fileText(credential));
  if (account?.['type'] !== 'service_account') throw new Error('The credential is no service account.');
  const tokenUri = textOf(account, 'token_uri') ?? LIBRARY_TOKEN_URI;
  const isElsewhere = tokenUri !== LIBRARY_TOKEN_URI;
  const client = new JWT({
    email: needed(account, 'client_email'),
    key: needed(account, 'private_key'),
    scopes: [...SCOPES],
    transporterOptions: { timeout: TOKEN_TIMEOUT_MS },
    ...(isElsewhere && { additionalClaims: { aud: tokenUri } }),
  });
  if (isElsewhere)
    client.transporter.interceptors.request.add({
      resolved: async (request) => {
        request.url = new URL(tokenUri);
        return request;
      },
    });
  return client;
}

/** The error of a file that cannot be read quotes its path, which may be a broken account with its private key: nobody sees that. */
async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new Error('The credential is neither JSON nor the path of a file that can be read.');
  }
}

const textOf = (account: JsonObject, name: string): string | undefined => {
  const value = account[name];
  return typeof value === 'string' ? value : undefined;
};

function needed(account: JsonObject, name: string): string {
  const value = textOf(account, name);
  if (value === undefined) throw new Error(`The service account's JSON has no ${name}.`);
  return value;
}
