import { GatewayError } from '../domain/errors.ts';
import { isKeySecret, isUsable } from '../domain/virtual-key.ts';
import type { Caller } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/**
 * Finds who calls, by the secret in one of the three headers SDKs use.
 *
 * @param maxAgeMs how old the key's policy may be. A request that reserves money may use an old one, as its reservation
 *   fails in the store once the policy has changed; one that does not must read it anew every few seconds.
 * @throws GatewayError `authentication_failed`, in the same words whatever was wrong
 */
export async function authenticate(
  gateway: Pick<Gateway, 'keys' | 'clock' | 'hashSecret'>,
  headers: Readonly<Record<string, string>>,
  maxAgeMs: number,
): Promise<Caller> {
  const secret = secretIn(headers);
  if (secret === undefined) throw authenticationFailed();
  const hash = gateway.hashSecret(secret);
  const found = await gateway.keys.find(hash, maxAgeMs);
  if (found === undefined) throw authenticationFailed();
  if (isUsable(found.key, gateway.clock.now())) return { hash, ...found };
  // What is remembered may be old: the key may have been enabled or prolonged since.
  const current = await gateway.keys.find(hash, UNRESERVED_KEY_AGE_MS);
  if (current === undefined || !isUsable(current.key, gateway.clock.now())) throw authenticationFailed();
  return { hash, ...current };
}

/** Reads the caller's key again after the store said that its policy has changed. @throws as `authenticate` */
export async function authenticateAgain(
  gateway: Pick<Gateway, 'keys' | 'clock'>,
  caller: Caller,
): Promise<Caller> {
  const found = await gateway.keys.find(caller.hash, 0);
  if (found === undefined || !isUsable(found.key, gateway.clock.now())) throw authenticationFailed();
  return { hash: caller.hash, ...found };
}

/** How old a key may be where nothing is reserved: the bound within which a revoked key stops everywhere. */
export const UNRESERVED_KEY_AGE_MS = 4_000;
/** How old it may be where the reservation proves it current. */
export const RESERVED_KEY_AGE_MS = 300_000;

function secretIn(headers: Readonly<Record<string, string>>): string | undefined {
  const bearer = /^bearer\s+(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
  const candidates = [bearer, headers['x-api-key'], headers['x-goog-api-key']];
  return candidates.find((candidate) => candidate !== undefined && isKeySecret(candidate));
}

const authenticationFailed = (): GatewayError =>
  new GatewayError(
    'authentication_failed',
    'The key is missing, unknown, disabled, expired or revoked. Send a Sluice key (sk-slu-…) as "Authorization: Bearer", "x-api-key" or "x-goog-api-key".',
  );
