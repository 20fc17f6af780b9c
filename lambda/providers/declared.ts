import type { ProviderSettings } from '../domain/gateway-config.ts';
import type { Provider } from './contract.ts';
import { findProvider } from './registry.ts';

/** A provider as an operator declares it. */
export interface DeclaredProvider {
  readonly provider: Provider;
  /** Without a slash at the end. */
  readonly baseUrl: string;
}

/**
 * What a declaration means.
 * @param name the provider's name in the configuration
 * @param ownAddress stands in for the declared one, and the provider's
 * @throws Error for a kind that Sluice does not have, and where an address is missing that only the operator can know
 */
export function declaredProvider(
  name: string,
  settings: ProviderSettings,
  ownAddress?: string,
): DeclaredProvider {
  const provider = findProvider(settings.kind);
  if (provider === undefined)
    throw new Error(`provider "${name}" is of the kind "${settings.kind}", which Sluice does not have.`);
  const baseUrl = ownAddress ?? settings.baseUrl ?? provider.baseUrl;
  if (baseUrl !== undefined) return { provider, baseUrl: baseUrl.replace(/\/+$/, '') };
  const { exampleBaseUrl } = provider;
  throw new Error(
    `provider "${name}" needs a baseUrl${exampleBaseUrl === undefined ? '' : `, such as ${exampleBaseUrl}`}.`,
  );
}
