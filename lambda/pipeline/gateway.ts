import type { Dialect, DialectId } from '../dialects/dialect.ts';
import type { GatewayConfig } from '../domain/gateway-config.ts';
import type { RequestId, SecretHash } from '../domain/ids.ts';
import type { PriceBook } from '../domain/money/price.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { AnswerStore } from '../ports/answer-store.ts';
import type { ClaimStore } from '../ports/claim-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Credentials } from '../ports/credentials.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { RequestSigners } from '../ports/request-signer.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { SendUpstream } from '../ports/upstream.ts';
import type { VectorIndex } from '../ports/vector-index.ts';
import type { Provider } from '../providers/contract.ts';
import type { FlightBoard } from './flight.ts';
import type { HealthView } from './health-view.ts';
import type { KeyCache } from './key-cache.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RemainderCache } from './remainder-cache.ts';
import type { TagDirectory } from './tag-directory.ts';

/** A provider that is on, under the name this gateway calls it by. */
export interface EnabledProvider {
  readonly name: string;
  readonly provider: Provider;
  /** Without a slash at the end. */
  readonly baseUrl: string;
}

/** When a stream that has nothing to say yet says that it lives, in milliseconds. */
export interface Pacing {
  /** How long a caller waits for the first content before the stream is opened without it: from then on errors come in-band. */
  readonly silenceMs: number;
  /** Between two signs of life. */
  readonly keepAliveMs: number;
}

/** What calling providers takes, for requests and for probes alike. */
export interface CallParts {
  /** Names this deployment of Sluice, so that a request which comes back to it is recognised. */
  readonly id: string;
  readonly config: GatewayConfig;
  readonly prices: PriceBook;
  readonly providers: ReadonlyMap<string, EnabledProvider>;
  readonly dialects: ReadonlyMap<DialectId, Dialect>;
  readonly credentials: Credentials;
  readonly signers: RequestSigners;
  readonly send: SendUpstream;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** Everything the steps of a request work with. Made once per process; holds no state but caches. */
export interface Gateway extends CallParts {
  readonly keys: KeyCache;
  readonly tags: TagDirectory;
  readonly ledger: Ledger;
  readonly limiter: RateLimiter;
  readonly health: HealthView;
  readonly remainders: RemainderCache;
  readonly answers: AnswerStore;
  readonly claims: ClaimStore;
  /** `undefined` where the configuration turns no semantic cache on. */
  readonly vectors: VectorIndex | undefined;
  readonly flights: FlightBoard;
  readonly pacing: Pacing;
  /** The same model at other providers, as `provider/model`. */
  equivalentsOf(model: Pick<Deployment, 'provider' | 'model'>): Promise<readonly string[]>;
  hashSecret(secret: string): SecretHash;
  newRequestId(): RequestId;
}
