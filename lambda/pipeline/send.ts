import { GatewayError } from '../domain/errors.ts';
import type { UpstreamResponse } from '../ports/upstream.ts';
import type { Provider } from '../providers/contract.ts';
import type { Gateway } from './gateway.ts';
import { type Addressee, type UpstreamCall, upstreamRequest } from './upstream-request.ts';

const DECODER = new TextDecoder();
/** What is read of an answer that nobody looks at, so that its connection can be used again. */
const MOST_IGNORED_BYTES = 65_536;

/**
 * Sends a call with the provider's credential. Where the provider refuses it, once more with one that is read again: it
 * may have been rotated.
 * @throws GatewayError `upstream_authentication_failed` where there is no credential; UpstreamTransportError
 */
export async function sendWithCredential(
  gateway: Pick<Gateway, 'id' | 'config' | 'credentials' | 'send'>,
  target: Addressee,
  call: Omit<UpstreamCall, 'credential'>,
): Promise<UpstreamResponse> {
  const { provider, name } = target.enabled;
  const credential = await gateway.credentials.get(target.deployment.provider);
  if (credential === undefined && needsCredential(provider))
    throw new GatewayError('upstream_authentication_failed', `No credential is configured for ${name}.`);
  const send = (using: string | undefined): Promise<UpstreamResponse> =>
    gateway.send(upstreamRequest(gateway, target, { ...call, credential: using }));
  const response = await send(credential);
  if (response.status !== 401 || credential === undefined) return response;
  const renewed = await gateway.credentials.get(target.deployment.provider, { refused: credential });
  if (renewed === undefined || renewed === credential) return response;
  await readBounded(response.body, MOST_IGNORED_BYTES);
  return send(renewed);
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
