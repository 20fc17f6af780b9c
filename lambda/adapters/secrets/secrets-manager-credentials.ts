import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { GatewayError } from '../../domain/errors.ts';
import type { ProviderId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Credentials } from '../../ports/credentials.ts';
import { KeyRing, parseKeys } from './key-ring.ts';

const TIME_TO_LIVE_MS = 5 * 60_000;
/** A provider that has no secret may get one at any moment. */
const ABSENT_TIME_TO_LIVE_MS = 30_000;
const FAILED_TIME_TO_LIVE_MS = 2_000;
/** However often a provider refuses, its secret is read again no sooner. */
const LEAST_REREAD_MS = 10_000;

export interface SecretsManagerCredentialsOptions {
  readonly client?: SecretsManagerClientConfig;
  readonly secretName: (provider: ProviderId) => string;
  readonly clock: Pick<Clock, 'now'>;
}

interface Reading {
  readonly keys: Promise<readonly string[]>;
  readonly readAtMs: number;
  /** What the last reading that succeeded gave: used on while the store cannot be reached. */
  readonly previous: readonly string[] | undefined;
  result: ReadingResult;
}

type ReadingResult =
  | { readonly type: 'pending' }
  | { readonly type: 'failed' }
  | { readonly type: 'read'; readonly keys: readonly string[] };

/**
 * Credentials from AWS Secrets Manager, one secret a provider, kept in the process for five minutes. Requests that come
 * together share one reading. Where the store fails, the keys read before are used on.
 * @throws GatewayError (from `get`) `upstream_authentication_failed` where the secret cannot be read and never was
 */
export function secretsManagerCredentials(options: SecretsManagerCredentialsOptions): Credentials {
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    // Without the last one the handler only warns. @see NodeHttpHandlerOptions.throwOnRequestTimeout
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
    ...options.client,
  });
  const readings = new Map<ProviderId, Reading>();
  const ring = new KeyRing();

  const read = (provider: ProviderId, previous: readonly string[] | undefined): Reading => {
    const keys = readKeys(client, provider, options.secretName(provider));
    const reading: Reading = {
      keys,
      readAtMs: options.clock.now(),
      previous,
      result: { type: 'pending' },
    };
    readings.set(provider, reading);
    // Only notes the result; whoever waits for the keys meets the error.
    keys.then(
      (result) => {
        reading.result = { type: 'read', keys: result };
      },
      () => {
        reading.result = { type: 'failed' };
      },
    );
    return reading;
  };

  return {
    async get(provider, refresh) {
      const last = readings.get(provider);
      const reading =
        last === undefined || isStale(last, options.clock.now(), refresh?.refused)
          ? read(provider, last === undefined ? undefined : lastKeys(last))
          : last;
      return ring.next(provider, await keysOf(reading), refresh?.refused);
    },
  };
}

const lastKeys = (reading: Reading): readonly string[] | undefined =>
  reading.result.type === 'read' ? reading.result.keys : reading.previous;

function isStale(reading: Reading, nowMs: number, refused: string | undefined): boolean {
  const ageMs = nowMs - reading.readAtMs;
  const { result } = reading;
  if (result.type === 'pending') return false;
  if (result.type === 'failed') return ageMs >= FAILED_TIME_TO_LIVE_MS;
  if (ageMs >= (result.keys.length === 0 ? ABSENT_TIME_TO_LIVE_MS : TIME_TO_LIVE_MS)) return true;
  // Keys without the refused one were read after it was replaced.
  const mayBeOutdated = refused !== undefined && result.keys.includes(refused);
  return mayBeOutdated && ageMs >= LEAST_REREAD_MS;
}

async function keysOf(reading: Reading): Promise<readonly string[]> {
  try {
    return await reading.keys;
  } catch (error) {
    if (reading.previous !== undefined) return reading.previous;
    throw error;
  }
}

async function readKeys(
  client: SecretsManagerClient,
  provider: ProviderId,
  secretName: string,
): Promise<readonly string[]> {
  let text: string;
  try {
    const secret = await client.send(new GetSecretValueCommand({ SecretId: secretName }));
    text = secret.SecretString ?? Buffer.from(secret.SecretBinary ?? []).toString('utf8');
  } catch (error) {
    // No such secret, or one without a value yet: the provider is not configured.
    if (error instanceof ResourceNotFoundException) return [];
    throw new GatewayError(
      'upstream_authentication_failed',
      `The gateway could not read its credential for ${provider} from Secrets Manager (${nameOf(error)}). The operator has to see to it.`,
      { cause: error },
    );
  }
  return parseKeys(provider, text);
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown error');
