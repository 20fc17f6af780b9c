import type { ProviderId } from '../../domain/ids.ts';
import type { Credentials } from '../../ports/credentials.ts';
import { KeyRing, parseKeys } from './key-ring.ts';

/**
 * Credentials from environment variables, read anew at each call. Several keys, separated by commas, take turns.
 * @param variables the name of a provider's variable; `undefined` where it needs none
 */
export function environmentCredentials(
  environment: Readonly<Record<string, string | undefined>>,
  variables: (provider: ProviderId) => string | undefined,
): Credentials {
  const ring = new KeyRing();
  return {
    async get(provider, refresh) {
      const variable = variables(provider);
      const value = variable === undefined ? undefined : environment[variable];
      return value === undefined
        ? undefined
        : ring.next(provider, parseKeys(provider, value), refresh?.refused);
    },
  };
}
