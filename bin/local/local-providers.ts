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
  readonly awsRegion: string | undefined;
}

/**
 * Providers of a local server: every one Sluice has or the configuration declares, whose credential stands in the
 * environment. One that can do without is on where it is declared, or where its address stands in the environment. The
 * simulated ones are always there.
 */
export function localProviders(config: GatewayConfig, environment: Environment): LocalProviders {
  const builtIn = Object.fromEntries(PROVIDERS.map(({ id }) => [id, plainSettings(id)]));
  const settings = { ...builtIn, ...config.providers };
  const enabled = Object.fromEntries(
    Object.entries(settings).filter(([name, one]) =>
      isOn(name, one, { environment, isDeclared: config.providers[name] !== undefined }),
    ),
  );
  return {
    providers: declaredProviders({ ...config, providers: enabled }, environment),
    credentials: environmentCredentials(environment, (provider) => {
      const one = enabled[provider];
      return one === undefined ? undefined : credentialVariable(one);
    }),
    awsRegion: environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'],
  };
}

const plainSettings = (kind: string): ProviderSettings => ({
  kind,
  baseUrl: undefined,
  credentialVariable: undefined,
});

const credentialVariable = (settings: ProviderSettings): string | undefined =>
  settings.credentialVariable ?? findProvider(settings.kind)?.credentialVariable;

function isOn(
  name: string,
  settings: ProviderSettings,
  { environment, isDeclared }: { readonly environment: Environment; readonly isDeclared: boolean },
): boolean {
  const provider = findProvider(settings.kind);
  // An unknown kind is reported by `declaredProviders`.
  if (provider === undefined) return true;
  const variable = credentialVariable(settings);
  const ownAddress = environment[baseUrlVariable(name)] ?? settings.baseUrl;
  const hasCredential = variable === undefined || (environment[variable] ?? '') !== '';
  // One that is declared and has a credential is meant: that its address is missing is reported by `declaredProviders` too.
  if (ownAddress === undefined && provider.baseUrl === undefined) return isDeclared && hasCredential;
  if (hasCredential) return true;
  return provider.credentialIsOptional === true && (isDeclared || ownAddress !== undefined);
}
