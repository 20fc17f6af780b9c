import { randomUUID } from 'node:crypto';
import { lateCipher } from '../adapters/dynamodb/answer-cipher.ts';
import { dynamoAnswerStore } from '../adapters/dynamodb/answer-store.ts';
import { dynamoClaimStore } from '../adapters/dynamodb/claim-store.ts';
import { dynamoKeyReader } from '../adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../adapters/dynamodb/ledger.ts';
import { dynamoRateStore } from '../adapters/dynamodb/rate-store.ts';
import { dynamoRoutingStore } from '../adapters/dynamodb/routing-store.ts';
import type { Store } from '../adapters/dynamodb/store.ts';
import { upstreamHttp } from '../adapters/upstream-http/upstream-http.ts';
import { priceBook } from '../config/price-book.ts';
import priceCatalogue from '../config/price-catalogue.json' with { type: 'json' };
import type { Dialect, DialectId } from '../dialects/dialect.ts';
import { DIALECTS } from '../dialects/registry.ts';
import type { GatewayConfig } from '../domain/gateway-config.ts';
import { type DeploymentId, requestId } from '../domain/ids.ts';
import { deploymentParts } from '../domain/routing/deployment.ts';
import { flightBoard } from '../pipeline/flight.ts';
import type { CallParts, EnabledProvider, Gateway, Pacing } from '../pipeline/gateway.ts';
import { healthView } from '../pipeline/health-view.ts';
import { keyCache } from '../pipeline/key-cache.ts';
import { rateLimiter } from '../pipeline/rate-limiter.ts';
import { remainderCache } from '../pipeline/remainder-cache.ts';
import { tagDirectory } from '../pipeline/tag-directory.ts';
import type { Clock } from '../ports/clock.ts';
import type { Credentials } from '../ports/credentials.ts';
import type { RequestSigner, RequestSigners } from '../ports/request-signer.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { SendUpstream } from '../ports/upstream.ts';
import type { VectorIndex } from '../ports/vector-index.ts';
import { declaredProvider } from '../providers/declared.ts';
import type { Environment } from './deployed-store.ts';
import { hashSecret } from './identity.ts';

/** The parts that differ between hosts. */
export interface Host {
  readonly config: GatewayConfig;
  readonly store: Store;
  readonly providers: ReadonlyMap<string, EnabledProvider>;
  readonly credentials: Credentials;
  readonly telemetry: Telemetry;
  /** The AWS region to sign for, where a provider's address does not name its own. */
  readonly awsRegion?: string | undefined;
  /** Where vectors are kept, if the configuration turns the semantic cache on. */
  readonly vectors?: VectorIndex | undefined;
}

const DIALECTS_BY_ID: ReadonlyMap<DialectId, Dialect> = new Map(
  DIALECTS.map((dialect) => [dialect.id, dialect]),
);

/** What calling providers needs, for requests and for probes alike. */
export function callParts({ config, store, providers, credentials, telemetry, awsRegion }: Host): CallParts {
  return {
    // Generated names of tables are unique to a deployment, and the same in all of its environments.
    id: hashSecret(`${store.tables.keys} ${store.tables.spend}`).slice(0, 16),
    config,
    prices: priceBook(priceCatalogue, config.declaredPrices),
    providers,
    dialects: DIALECTS_BY_ID,
    credentials,
    signers: lateSigners(store.clock, awsRegion),
    send: sendUpstream(store.clock),
    telemetry,
    clock: store.clock,
  };
}

/** Whether a deployment stands in the configuration or in the price table. */
function isKnownDeployment(
  { config, prices, clock }: Pick<Gateway, 'config' | 'prices' | 'clock'>,
  deployment: DeploymentId,
): boolean {
  const { provider, model } = deploymentParts(deployment);
  const isDeclared = config.modelGroups.some((group) =>
    group.deployments.some(({ id }) => id === deployment),
  );
  return isDeclared || prices.find({ provider, model }, clock.now()) !== undefined;
}

/** What signs calls is loaded when the first one wants it: Google's library alone is as large as everything else. */
const lateSigners = (clock: Clock, fallbackRegion: string | undefined): RequestSigners => ({
  'aws-sigv4': lateSigner(async () =>
    (await import('../adapters/sigv4/bedrock-signer.ts')).bedrockSigner({ fallbackRegion }),
  ),
  'google-oauth': lateSigner(async () =>
    (await import('../adapters/google-auth/google-signer.ts')).googleSigner(clock),
  ),
});

function lateSigner(load: () => Promise<RequestSigner>): RequestSigner {
  let loading: Promise<RequestSigner> | undefined;
  const loaded = (): Promise<RequestSigner> => {
    loading ??= load();
    return loading;
  };
  return {
    sign: async (request, credential) => (await loaded()).sign(request, credential),
    renew: async (credential) => (await loaded()).renew(credential),
  };
}

const SIMULATION_SCHEME = 'simulation://';

/** Calls providers over HTTP, and simulated ones within the process: their code is loaded when the first one is called. */
function sendUpstream(clock: Clock): SendUpstream {
  const overHttp = upstreamHttp();
  let simulated: Promise<SendUpstream> | undefined;
  return async (request) => {
    if (!request.url.startsWith(SIMULATION_SCHEME)) return overHttp(request);
    simulated ??= import('./simulated-upstream.ts').then((module) => module.simulatedUpstream(clock));
    return (await simulated)(request);
  };
}

/** Proxies and SDKs give up on a connection that is silent for much longer. */
const PACING: Pacing = { silenceMs: 10_000, keepAliveMs: 15_000 };

/** The data plane, over DynamoDB. @param readAnswerSecret what opens the answers that are kept; called when first needed */
export function composeGateway(host: Host, readAnswerSecret: () => Promise<string>): Gateway {
  const { store, telemetry } = host;
  const parts = callParts(host);
  const reader = dynamoKeyReader(store);
  const cipher = lateCipher(readAnswerSecret);
  return {
    ...parts,
    keys: keyCache(reader, store.clock),
    tags: tagDirectory({ reader, clock: store.clock, telemetry }),
    ledger: dynamoLedger(store),
    limiter: rateLimiter({ store: dynamoRateStore(store), clock: store.clock }),
    health: healthView({
      store: dynamoRoutingStore(store),
      clock: store.clock,
      telemetry,
      isKnown: (deployment) => isKnownDeployment(parts, deployment),
    }),
    remainders: remainderCache(),
    answers: dynamoAnswerStore(store, cipher),
    claims: dynamoClaimStore(store, cipher),
    vectors: host.config.semanticCache && host.vectors,
    flights: flightBoard(),
    pacing: PACING,
    // A table that only the lists of models need.
    equivalentsOf: async ({ provider, model }) =>
      (await import('../config/model-equivalents.ts')).equivalentsOf(`${provider}/${model}`),
    hashSecret,
    newRequestId: () => requestId(`gen-${randomUUID().replaceAll('-', '')}`),
  };
}

/** Providers that a configuration declares, at their own address or at the one `SLUICE_<PROVIDER>_BASE_URL` gives. */
export function declaredProviders(
  config: GatewayConfig,
  environment: Environment,
): Map<string, EnabledProvider> {
  return new Map(
    Object.entries(config.providers).map(([name, settings]) => [
      name,
      { name, ...declaredProvider(name, settings, environment[baseUrlVariable(name)]) },
    ]),
  );
}

/** `openai` → `SLUICE_OPENAI_BASE_URL`. */
export const baseUrlVariable = (provider: string): string =>
  `SLUICE_${provider.toUpperCase().replaceAll('-', '_')}_BASE_URL`;
