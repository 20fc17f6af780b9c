import * as z from 'zod/mini';
import { type CacheSettings, LONGEST_TTL_SECONDS, SHARING } from '../domain/cache-settings.ts';
import type { GatewayConfig } from '../domain/gateway-config.ts';
import { deploymentId, providerId } from '../domain/ids.ts';
import { nanoFromUsd } from '../domain/money/nano.ts';
import type { ModelGroup } from '../domain/routing/deployment.ts';
import { declaredTerms, termsFromDeclaration } from './declared-terms.ts';
import { semanticCache, semanticCacheOf } from './semantic-cache.ts';
import { SIMULATED } from './simulated-prices.ts';

const providerSettings = z.strictObject({
  kind: z.optional(z.string()),
  baseUrl: z.optional(
    z.string().check(z.regex(/^https?:\/\/\S+[^/\s]$/, 'must be an http(s) URL without a slash at its end')),
  ),
  credentialVariable: z.optional(z.string().check(z.regex(/^[A-Z][A-Z0-9_]*$/))),
});

const deployment = z.strictObject({
  provider: z.string(),
  model: z.string().check(z.minLength(1)),
  region: z.optional(
    z.string().check(z.regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a region such as "eu" or "eu-central-1"')),
  ),
  weight: z._default(z.number().check(z.positive()), 1),
});

const cacheSettings = z.strictObject({
  mode: z.optional(z.enum(['off', 'exact', 'semantic'])),
  ttlSeconds: z.optional(z.int().check(z.positive(), z.maximum(LONGEST_TTL_SECONDS))),
  sharedWithin: z.optional(z.enum(SHARING)),
  singleFlight: z.optional(z.boolean()),
});

const unsupportedParameters = z.enum(['reject', 'drop']);

const modelGroup = z.strictObject({
  strategy: z._default(z.enum(['ordered', 'weighted']), 'ordered'),
  deployments: z.array(deployment).check(z.minLength(1)),
  cache: z.optional(cacheSettings),
  unsupportedParameters: z.optional(unsupportedParameters),
});

const milliseconds = z.int().check(z.positive());

/** A minute less than Lambda gives a function, so that a request that took all its time can still be settled. */
const LONGEST_REQUEST_MS = 840_000;

const gatewaySchema = z.strictObject({
  providers: z.record(z.string().check(z.regex(/^[a-z][a-z0-9-]*$/)), providerSettings),
  modelGroups: z._default(z.record(z.string().check(z.minLength(1)), modelGroup), {}),
  prices: z._default(
    z.record(
      z
        .string()
        .check(
          z.regex(
            /^[^/*]+\/(?:[^*]+|[^*]*\*(?:@[a-z][a-z0-9-]*)?)$/,
            'must be named provider/model, where the model may end in * and in @region',
          ),
        ),
      declaredTerms,
    ),
    {},
  ),
  defaultMaxOutputTokens: z._default(z.int().check(z.positive()), 4096),
  largestShareOfRemainder: z._default(z.number().check(z.positive(), z.maximum(1)), 0.5),
  unknownPrice: z._default(z.enum(['refuse', 'allow']), 'refuse'),
  unsupportedParameters: z._default(unsupportedParameters, 'reject'),
  timeouts: z._default(
    z.strictObject({
      connectMs: z._default(milliseconds, 5_000),
      firstContentMs: z._default(milliseconds, 120_000),
      idleMs: z._default(milliseconds, 60_000),
      totalMs: z._default(milliseconds.check(z.maximum(LONGEST_REQUEST_MS)), 600_000),
    }),
    { connectMs: 5_000, firstContentMs: 120_000, idleMs: 60_000, totalMs: 600_000 },
  ),
  cache: z._default(cacheSettings, {}),
  semanticCache: z.optional(semanticCache),
  maxAttempts: z._default(z.int().check(z.positive()), 3),
  probes: z._default(z.strictObject({ monthlyCapUsd: z._default(z.number().check(z.nonnegative()), 1) }), {
    monthlyCapUsd: 1,
  }),
});

/** What an operator writes in `gateway.config.ts`. Money is in dollars, prices in dollars per million tokens. */
export type GatewayDefinition = z.input<typeof gatewaySchema>;

/**
 * Checks an operator's configuration and completes it with defaults.
 * @throws Error that names each fault with its place
 */
export function defineGateway(definition: GatewayDefinition): GatewayConfig {
  const parsed = gatewaySchema.safeParse(definition);
  if (!parsed.success) throw new Error(parsed.error.issues.map(describeFault).join('\n'));
  const {
    providers,
    modelGroups,
    prices,
    probes,
    cache: declaredCache,
    semanticCache: semantic,
    ...rest
  } = parsed.data;
  const cache = completed(CACHE_OFF, declaredCache);
  const groups = Object.entries(modelGroups).map(([name, group]) => modelGroupOf(name, group, cache));
  for (const group of groups) checkProviders(group, providers);
  return {
    ...rest,
    cache,
    semanticCache: semantic && semanticCacheOf(semantic, providers),
    providers: Object.fromEntries(
      Object.entries(providers).map(([name, settings]) => [
        name,
        {
          kind: settings.kind ?? name,
          baseUrl: settings.baseUrl,
          credentialVariable: settings.credentialVariable,
        },
      ]),
    ),
    modelGroups: groups,
    declaredPrices: Object.fromEntries(
      Object.entries(prices).map(([name, price]) => [name, termsFromDeclaration(price)]),
    ),
    probes: { monthlyCapNano: nanoFromUsd(probes.monthlyCapUsd) },
  };
}

const CACHE_OFF: CacheSettings = {
  mode: 'off',
  ttlSeconds: 3_600,
  sharedWithin: 'end-user',
  singleFlight: false,
};

const completed = (settings: CacheSettings, declared: z.output<typeof cacheSettings>): CacheSettings => ({
  mode: declared.mode ?? settings.mode,
  ttlSeconds: declared.ttlSeconds ?? settings.ttlSeconds,
  sharedWithin: declared.sharedWithin ?? settings.sharedWithin,
  singleFlight: declared.singleFlight ?? settings.singleFlight,
});

function modelGroupOf(
  name: string,
  group: z.output<typeof modelGroup>,
  ofGateway: CacheSettings,
): ModelGroup {
  return {
    name,
    strategy: group.strategy,
    ...(group.cache !== undefined && { cache: completed(ofGateway, group.cache) }),
    ...(group.unsupportedParameters !== undefined && { unsupportedParameters: group.unsupportedParameters }),
    deployments: group.deployments.map(({ provider, model, region, weight }) => ({
      id: deploymentId(`${provider}/${model}${region === undefined ? '' : `@${region}`}`),
      provider: providerId(provider),
      model,
      weight,
      ...(region !== undefined && { region }),
    })),
  };
}

function checkProviders(group: ModelGroup, providers: Readonly<Record<string, unknown>>): void {
  const missing = group.deployments.find(
    ({ provider }) => providers[provider] === undefined && !SIMULATED.has(provider),
  );
  if (missing !== undefined)
    throw new Error(
      `model group "${group.name}" names the provider "${missing.provider}", which "providers" does not declare.`,
    );
}

interface Fault {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly unknown[];
  /** What is wrong with the name of a member. */
  readonly issues?: readonly Fault[];
  /** For each thing that could have stood there, what is wrong with what does. */
  readonly errors?: readonly (readonly Fault[])[];
}

/** What is wrong, where, and what could stand there. */
function describeFault(fault: Fault): string {
  const alternatives = fault.errors?.toSorted((a, b) => distance(a) - distance(b)) ?? [];
  // A union that has a message of its own says more than what its alternatives miss.
  const within = fault.message === 'Invalid input' ? (fault.issues ?? alternatives[0] ?? []) : [];
  if (within.length > 0)
    return within.map((one) => describeFault({ ...one, path: [...fault.path, ...one.path] })).join('\n');
  const place = fault.path.map(String).join('.') || 'the configuration';
  if (fault.keys !== undefined) return `${place}: does not know ${fault.keys.join(', ')}.`;
  if (fault.values !== undefined) return `${place}: must be one of ${fault.values.join(', ')}.`;
  if (fault.expected !== undefined) return `${place}: must be of the type ${fault.expected}.`;
  return `${place}: ${fault.message}.`;
}

/** How far what stands there is from one of the things that could: what is of another type altogether was not meant. */
const distance = (faults: readonly Fault[]): number =>
  faults.some(({ code, path }) => code === 'invalid_type' && path.length === 0)
    ? Number.POSITIVE_INFINITY
    : faults.length;
