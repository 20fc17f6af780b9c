import { environmentCredentials } from '../../lambda/adapters/secrets/environment-credentials.ts';
import type { GatewayConfig, ProviderSettings } from '../../lambda/domain/gateway-config.ts';
import { baseUrlVariable, declaredProviders } from '../../lambda/handlers/composition.ts';
import type { Environment } from '../../lambda/handlers/deployed-store.ts';
import type { EnabledProvider } from '../../lambda/pipeline/gateway.ts';
import type { Credentials } from '../../lambda/ports/credentials.ts';
import { findProvider, PROVIDERS } from '../../lambda/providers/registry.ts';

interface LocalProviders {
  readonly providers: ReadonlyMap<string, EnabledProvider>;
  readonly credentials: Credentials;
}

/**
 * Providers of a local server: every one Sluice has or the configuration declares, whose credential stands in the
 * environment, or which needs none and whose address is known. The simulated ones are always there.
 */
export function localProviders(config: GatewayConfig, environment: Environment): LocalProviders {
  const builtIn = Object.fromEntries(PROVIDERS.map(({ id }) => [id, plainSettings(id)]));
  const settings = { ...builtIn, ...config.providers };
  const enabled = Object.fromEntries(
    Object.entries(settings).filter(([name, one]) => isOn(name, one, environment)),
  );
  return {
    providers: declaredProviders({ ...config, providers: enabled }, environment),
    credentials: environmentCredentials(environment, (provider) => {
      const one = enabled[provider];
      return one === undefined ? undefined : credentialVariable(one);
    }),
  };
}

const plainSettings = (kind: string): ProviderSettings => ({
  kind,
  baseUrl: undefined,
  credentialVariable: undefined,
});

const credentialVariable = (settings: ProviderSettings): string | undefined =>
  settings.credentialVariable ?? findProvider(settings.kind)?.credentialVariable;

function isOn(name: string, settings: ProviderSettings, environment: Environment): boolean {
  const provider = findProvider(settings.kind);
  // An unknown kind is reported by `declaredProviders`.
  if (provider === undefined) return true;
  const variable = credentialVariable(settings);
  const hasCredential = variable === undefined || (environment[variable] ?? '') !== '';
  const address = environment[baseUrlVariable(name)] ?? settings.baseUrl ?? provider.baseUrl;
  return address !== undefined && (hasCredential || provider.credentialIsOptional === true);
}
