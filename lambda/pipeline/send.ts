import { GatewayError } from '../domain/errors.ts';
import type { RequestSigner } from '../ports/request-signer.ts';
import type { UpstreamResponse } from '../ports/upstream.ts';
import type { Provider } from '../providers/contract.ts';
import type { Gateway } from './gateway.ts';
import { type Addressee, type UpstreamCall, upstreamRequest } from './upstream-request.ts';

const DECODER = new TextDecoder();
/** What is read of an answer that nobody looks at, so that its connection can be used again. */
const MOST_IGNORED_BYTES = 65_536;

/**
 * Sends a call with the provider's credential, signed where it wants that. Where the provider refuses it, once more with a
 * credential that is read again, which may have been rotated, or signed with what the signer has anew.
 * @throws GatewayError `upstream_authentication_failed` where there is no credential; UpstreamTransportError
 */
export async function sendWithCredential(
  gateway: Pick<Gateway, 'id' | 'config' | 'credentials' | 'signers' | 'send'>,
  target: Addressee,
  call: Omit<UpstreamCall, 'credential'>,
): Promise<UpstreamResponse> {
  const { provider, name } = target.enabled;
  const credential = await gateway.credentials.get(target.deployment.provider);
  if (credential === undefined && needsCredential(provider))
    throw new GatewayError('upstream_authentication_failed', `No credential is configured for ${name}.`);
  const send = async (using: string | undefined): Promise<UpstreamResponse> => {
    const request = upstreamRequest(gateway, target, { ...call, credential: using });
    const proof = await signerFor(gateway, provider, using)?.sign(request, using);
    return gateway.send({ ...request, headers: { ...request.headers, ...proof } });
  };
  const response = await send(credential);
  const signer = signerFor(gateway, provider, credential);
  if (!isRefused(response, provider, signer)) return response;
  const renewed =
    credential === undefined
      ? undefined
      : await gateway.credentials.get(target.deployment.provider, { refused: credential });
  const hasOther = renewed !== undefined && renewed !== credential;
  if (!hasOther && (await signer?.renew(credential)) !== true) return response;
  await readBounded(response.body, MOST_IGNORED_BYTES);
  return send(hasOther ? renewed : credential);
}

/** AWS answers 403 to a signature it does not know, and to a session that has expired. */
const isRefused = (
  { status }: UpstreamResponse,
  { signing }: Provider,
  signer: RequestSigner | undefined,
): boolean => status === 401 || (status === 403 && signer !== undefined && signing === 'aws-sigv4');

/** On AWS a credential is a key that is sent as it is; without one, calls are signed. */
function signerFor(
  { signers }: Pick<Gateway, 'signers'>,
  { signing }: Provider,
  credential: string | undefined,
): RequestSigner | undefined {
  if (signing === undefined || (signing === 'aws-sigv4' && credential !== undefined)) return undefined;
  return signers[signing];
}

const needsCredential = (provider: Provider): boolean =>
  provider.credentialVariable !== undefined && provider.credentialIsOptional !== true;

/** A body as text, up to so many bytes. */
export async function readBounded(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > mostBytes) break;
  }
  return DECODER.decode(Buffer.concat(chunks).subarray(0, mostBytes));
}
