import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export const ACCESS_KEY = 'AKIDEXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const SESSION_TOKEN = 'a-session-token';
export const REGION = 'eu-central-1';

const sha256 = (data: string): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Spells a text as AWS wants it in a canonical request: all but unreserved characters as percent and two digits. */
const uriEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Checks a signature as AWS does, from AWS's own description, sharing no code with the signer.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @returns what is wrong; `undefined` where the signature holds
 */
export function signatureFault(request: IncomingMessage, body: string, service: string): string | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  if (match === null) return `authorization: ${request.headers.authorization}`;
  const [, accessKey, day = '', region = '', signedService, signedHeaders = '', signature = ''] = match;
  const time = String(request.headers['x-amz-date']);
  const scope = `${accessKey} ${region} ${signedService}`;
  if (scope !== `${ACCESS_KEY} ${REGION} ${service}`) return `credential: ${scope}`;
  if (!time.startsWith(day)) return `date: ${time}`;
  if (request.headers['x-amz-security-token'] !== SESSION_TOKEN) return 'no session token';
  const names = signedHeaders.split(';');
  for (const needed of ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'])
    if (!names.includes(needed)) return `${needed} is not signed`;
  if (request.headers['x-amz-content-sha256'] !== sha256(body)) return 'the body has another digest';
  const url = new URL(request.url ?? '/', 'http://host');
  const canonical = [
    request.method,
    url.pathname.split('/').map(uriEncode).join('/'),
    [...url.searchParams]
      .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
      .toSorted()
      .join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join(
    '\n',
  );
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`);
  const isRight = timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'));
  return isRight ? undefined : `signature over:\n${canonical}`;
}

/** A server in front of `targetUrl` that lets only signed requests through, as a function URL with AWS_IAM does. */
export async function startSignatureCheck(targetUrl: string, targetAuthorization: string) {
  const faults: string[] = [];
  const server = createServer((request, response) => {
    void answer(request)
      .then(({ status, text }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(text),
      )
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  async function answer(request: IncomingMessage) {
    let body = '';
    for await (const chunk of request) body += chunk;
    const fault = signatureFault(request, body, 'lambda');
    if (fault !== undefined) {
      faults.push(fault);
      return { status: 403, text: '{"Message":"Forbidden"}' };
    }
    const method = request.method ?? 'GET';
    const target = await fetch(targetUrl + request.url, {
      method,
      headers: { authorization: targetAuthorization },
      ...(body === '' ? {} : { body }),
    });
    return { status: target.status, text: await target.text() };
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server's address is never a pipe's name.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}
