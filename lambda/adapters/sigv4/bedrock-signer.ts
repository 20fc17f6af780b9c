import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { GatewayError } from '../../domain/errors.ts';
import type { RequestSigner } from '../../ports/request-signer.ts';
import { NodeSha256 } from './node-sha256.ts';

/** The name under which Bedrock's runtime checks signatures. @see https://docs.aws.amazon.com/general/latest/gr/bedrock.html */
const SERVICE = 'bedrock';

/**
 * `bedrock-runtime.<region>.amazonaws.com`, also behind a VPC endpoint, and with FIPS.
 * @see https://docs.aws.amazon.com/general/latest/gr/bedrock.html
 */
const BEDROCK_HOST = /(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/;

/** What signs: the role's keys and its session's token. Secret. */
type Identity = Awaited<ReturnType<ReturnType<typeof defaultProvider>>>;

export interface BedrockSignerOptions {
  /** For an address whose host names no region (a proxy of one's own). */
  readonly fallbackRegion: string | undefined;
  /** @default what the AWS CLI would use; on Lambda the function's own role */
  readonly credentials?: ReturnType<typeof defaultProvider>;
}

/**
 * Signs calls to Amazon Bedrock with AWS Signature Version 4. The credentials of the role are kept until they expire.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export function bedrockSigner(options: BedrockSignerOptions): RequestSigner {
  const provide = options.credentials ?? defaultProvider();
  let used: Identity | undefined;
  const credentials = async (): Promise<Identity> => {
    used ??= await provide();
    if (hasExpired(used)) used = await provide();
    return used;
  };
  const signers = new Map<string, SignatureV4>();
  const signerFor = (region: string): SignatureV4 => {
    const signer =
      signers.get(region) ?? new SignatureV4({ service: SERVICE, region, credentials, sha256: NodeSha256 });
    signers.set(region, signer);
    return signer;
  };
  return {
    async sign({ method, url: address, headers, body }) {
      const url = new URL(address);
      const region = BEDROCK_HOST.exec(url.hostname)?.[1] ?? options.fallbackRegion;
      if (region === undefined)
        throw new GatewayError(
          'upstream_authentication_failed',
          `The address ${url.host} names no AWS region to sign for. The operator has to set AWS_REGION.`,
        );
      await found(credentials());
      const signed = await signerFor(region).sign({
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port !== '' && { port: Number(url.port) }),
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: { ...headers, host: url.host },
        body,
      });
      return signed.headers;
    },
    async renew() {
      const before = used;
      try {
        used = await provide({ forceRefresh: true });
      } catch {
        return false;
      }
      return before?.accessKeyId !== used.accessKeyId || before.sessionToken !== used.sessionToken;
    },
  };
}

/** Time for the call itself to arrive. */
const MARGIN_MS = 60_000;

const hasExpired = ({ expiration }: Identity): boolean =>
  expiration !== undefined && expiration.getTime() - MARGIN_MS < Date.now();

async function found(credentials: Promise<Identity>): Promise<void> {
  try {
    await credentials;
  } catch (cause) {
    throw new GatewayError(
      'upstream_authentication_failed',
      'The gateway found no AWS credentials to sign a call to Amazon Bedrock with. The operator has to see to it.',
      { cause },
    );
  }
}
