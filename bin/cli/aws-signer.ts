import { createHash, createHmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { AdminError, UsageError } from './cli-errors.ts';
import type { Sign } from './sign.ts';

/** What the signer hashes, and hashes with. */
type SourceData = string | ArrayBuffer | ArrayBufferView;

/** `<id>.lambda-url.<region>.on.aws`. @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
const FUNCTION_URL_HOST = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/;

/**
 * Signs requests for a Lambda function URL that asks for AWS_IAM, with whatever credentials the AWS CLI would use.
 * @param fallbackRegion for a host that does not name its region (a domain of one's own)
 * @throws UsageError where no region is known
 */
export function awsSigner(base: URL, fallbackRegion: string | undefined): Sign {
  const region = FUNCTION_URL_HOST.exec(base.hostname)?.[1] ?? fallbackRegion;
  if (region === undefined)
    throw new UsageError(
      'Set SLUICE_ADMIN_KEY. (To sign with AWS credentials instead, SLUICE_ADMIN_URL must be a function URL, or AWS_REGION be set.)',
    );
  const signer = new SignatureV4({
    service: 'lambda',
    region,
    credentials: credentials(),
    sha256: NodeSha256,
  });
  return async ({ method, url, headers, body }) => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    });
    return signed.headers;
  };
}

function credentials(): ReturnType<typeof defaultProvider> {
  const provider = defaultProvider();
  return async (options) => {
    try {
      return await provider(options);
    } catch {
      throw new AdminError(
        'No AWS credentials were found. Log in as for the AWS CLI (or set AWS_PROFILE), or set SLUICE_ADMIN_KEY.',
      );
    }
  };
}

/** SHA-256, or HMAC when made with a secret, as the signer wants it. */
class NodeSha256 {
  readonly #secret: SourceData | undefined;
  #hash: ReturnType<typeof createHash | typeof createHmac>;

  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.#hash = newHash(secret);
  }

  update(chunk: SourceData): void {
    this.#hash.update(bytesOf(chunk));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = newHash(this.#secret);
  }
}

const newHash = (secret: SourceData | undefined) =>
  secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
