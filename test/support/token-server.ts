import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A token endpoint as Google's: checks what a service account signs, and gives tokens. */
export interface TokenServer {
  /** The JSON of an account that is known here. */
  readonly account: string;
  /** What was signed in each request, or what was wrong with it. */
  readonly seen: readonly Readonly<Record<string, unknown>>[];
  /** How long tokens hold; the next request fails where it is `undefined`. */
  lifetimeSeconds: number | undefined;
  close(): Promise<void>;
}

/** @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
export async function startTokenServer(): Promise<TokenServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const seen: Readonly<Record<string, unknown>>[] = [];
  const read = (body: string): Readonly<Record<string, unknown>> => {
    const form = new URLSearchParams(body);
    const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const isSigned = createVerify('RSA-SHA256')
      .update(`${header}.${payload}`)
      .verify(publicKey, signature, 'base64url');
    return {
      grant: form.get('grant_type'),
      isSigned,
      ...JSON.parse(Buffer.from(payload, 'base64url').toString()),
    };
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const claims = read(body);
      seen.push(claims);
      const isRight = claims['isSigned'] === true && tokens.lifetimeSeconds !== undefined;
      response.writeHead(isRight ? 200 : 400, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          isRight
            ? {
                access_token: `token-${seen.length}`,
                expires_in: tokens.lifetimeSeconds,
                token_type: 'Bearer',
              }
            : { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server's address is never a pipe's name.
  const { port } = server.address() as AddressInfo;
  const tokens: TokenServer = {
    account: JSON.stringify({
      type: 'service_account',
      project_id: 'my-project',
      private_key_id: 'key-1',
      private_key: privateKey,
      client_email: 'sluice@my-project.iam.gserviceaccount.com',
      token_uri: `http://127.0.0.1:${port}/token`,
    }),
    seen,
    lifetimeSeconds: 3_600,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
  return tokens;
}
