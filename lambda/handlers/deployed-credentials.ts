import { secretsManagerCredentials } from '../adapters/secrets/secrets-manager-credentials.ts';
import { systemClock } from '../adapters/system-clock/system-clock.ts';
import { GatewayError } from '../domain/errors.ts';
import { parseJsonObject } from '../domain/json.ts';
import type { Credentials } from '../ports/credentials.ts';
import type { Environment } from './deployed-store.ts';

/** Credentials from the secrets that `SLUICE_SECRETS` names: JSON, provider → ARN. */
export function deployedCredentials(environment: Environment): Credentials {
  const secrets = parseJsonObject(environment['SLUICE_SECRETS'] ?? '{}') ?? {};
  const stored = secretsManagerCredentials({
    clock: systemClock,
    secretName(provider) {
      const name = secrets[provider];
      if (typeof name !== 'string')
        throw new GatewayError('upstream_authentication_failed', `No secret is deployed for ${provider}.`);
      return name;
    },
  });
  return {
    // Providers without a secret (simulated ones) need no credential.
    get: async (provider, refresh) =>
      secrets[provider] === undefined ? undefined : stored.get(provider, refresh),
  };
}
