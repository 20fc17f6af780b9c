import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { defineGateway } from '../lambda/config/define-gateway.ts';
import { declaredProvider } from '../lambda/providers/declared.ts';

/** The operator's configuration, checked and completed. */
export type OperatorConfig = ReturnType<typeof defineGateway>;

/** Kinds of provider that answer within the process, and so need no credential. */
const SIMULATED_KINDS: ReadonlySet<string> = new Set(['sim', 'sim-anthropic']);

/**
 * Loads the operator's configuration file. `defineGateway`, which the file calls, checks it; whether its providers are such as Sluice has,
 * with an address, is checked here, before anything is deployed that could not start.
 *
 * Constructs are made synchronously, so the file is required, not imported: Node 24 requires ES modules and erases their
 * types, as long as they hold no top-level `await`.
 * @throws Error that names the fault, where the file is not there, is refused by `defineGateway`, or exports something else
 * @see https://nodejs.org/docs/latest-v24.x/api/modules.html#loading-ecmascript-modules-using-require
 */
export function loadOperatorConfig(configFile: string): OperatorConfig {
  const path = resolve(configFile);
  const module: unknown = createRequire(import.meta.url)(path);
  if (!hasOperatorConfig(module))
    throw new Error(`${path}: export what defineGateway({ … }) returns, as the default export.`);
  for (const [name, settings] of Object.entries(module.default.providers)) declaredProvider(name, settings);
  return module.default;
}

/** `defineGateway` is the only thing that checks a configuration; here it is enough to see that it was called. */
function hasOperatorConfig(module: unknown): module is { readonly default: OperatorConfig } {
  if (typeof module !== 'object' || module === null || !('default' in module)) return false;
  const { default: config } = module;
  return typeof config === 'object' && config !== null && 'providers' in config && 'modelGroups' in config;
}

/** What the infrastructure has to hold for a configuration. */
export const dataNeeds = (
  config: OperatorConfig,
): { readonly providers: readonly string[]; readonly vectorDimensions: number | undefined } => ({
  providers: providersWithCredential(config),
  vectorDimensions: config.semanticCache?.dimensions,
});

/**
 * Whether calls may have to be signed with the functions' own role: Amazon Bedrock is declared, and whether its secret holds a key
 * only shows when it is read.
 */
export const callsBedrock = (config: OperatorConfig): boolean =>
  Object.values(config.providers).some(({ kind }) => kind === 'bedrock');

/** Names of the declared providers that need a credential, each of which gets a secret of its own. */
export const providersWithCredential = (config: OperatorConfig): readonly string[] =>
  Object.entries(config.providers)
    .filter(([, { kind }]) => !SIMULATED_KINDS.has(kind))
    .map(([name]) => name);
