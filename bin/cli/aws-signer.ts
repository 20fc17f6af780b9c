import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { NodeSha256 } from '../../lambda/adapters/sigv4/node-sha256.ts';
import { AdminError, UsageError } from './cli-errors.ts';
import type { Sign } from './sign.ts';

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
