import type { Dialect, RequestAddress } from '../dialects/dialect.ts';
import type { ChatRequest } from '../domain/chat/request.ts';
import type { RequestId, SecretHash } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { RequestOptions } from '../domain/request-options.ts';
import type { Attempt, HeldReservation, RequestFacts } from '../domain/request-record.ts';
import type { ScopeSettings } from '../domain/scope-settings.ts';
import type { KeyWithScopes } from '../ports/key-store.ts';
import type { BudgetRefusal } from '../ports/ledger.ts';
import type { RateTicket } from './rate-limits.ts';
import type { Reuse } from './reuse.ts';

/** A request as the host received it, with the id it was given. Header names are lower-case. */
export interface IncomingRequest {
  readonly id: RequestId;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** What its path says of it, in dialects that name the model there. */
  readonly address?: RequestAddress;
  /** The body was larger than this gateway reads; `body` is then empty. */
  readonly bodyTooLarge?: true;
  readonly signal: AbortSignal;
}

/** What goes back to the host. `afterEnd` settles; it is called once, when the last byte is out or the caller gone. */
export interface OutgoingResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  readonly afterEnd?: () => Promise<void>;
}

/** Who calls: proven by the key's secret. */
export interface Caller extends KeyWithScopes {
  readonly hash: SecretHash;
}

/** A decoded request: what the steps after `decode` work on. */
export interface DecodedRequest {
  readonly dialect: Dialect;
  readonly chat: ChatRequest;
  readonly options: RequestOptions;
  /** The body as it came, for a provider of the same dialect; of a form, each character is one byte. */
  readonly raw: string;
  /** The fields of a form: what it is compared by, as no two of them are written alike. */
  readonly fields?: JsonObject;
  /** The body's length in bytes, without the file of a form. */
  readonly bodyBytes: number;
  /** The caller's headers, lower-case; only those a provider asks for go on. */
  readonly headers: Readonly<Record<string, string>>;
  /** Asked model first, then fallbacks. */
  readonly models: readonly string[];
}

/** One request on its way: who, what, until when, and what has been tried so far. */
export interface Exchange {
  /** Read again when the store says that the key has changed. */
  caller: Caller;
  /** The money set aside for it; `undefined` until it is admitted. */
  held: HeldReservation | undefined;
  /** Settings of the tags it names, where they have any; read again as the caller is. */
  tags: readonly ScopeSettings[];
  readonly request: DecodedRequest;
  readonly facts: RequestFacts;
  /** Of the clock that never jumps. */
  readonly startedMs: number;
  /** Unix milliseconds after which no upstream may keep it waiting. */
  readonly deadlineMs: number;
  /** Aborts when the caller leaves, where that can be seen. */
  readonly signal: AbortSignal;
  /** Its place under rate limits; `undefined` until it is admitted. */
  rates: RateTicket | undefined;
  /** The budget that last refused it. */
  refusal: BudgetRefusal | undefined;
  readonly attempts: Attempt[];
  /** Parameters left out for the deployment that answers. */
  dropped: readonly string[];
  /** Bytes by which a body that was sent outgrew the caller's: they are tokens too. */
  addedBytes: number;
  /** What calls that we gave up after they were sent presumably cost: charged beside the answer, if there is one. */
  presumedCost: NanoUsd;
  /** Answers that are there already, and whether this one is kept: known once `lookUp` has looked. */
  reuse: Reuse;
  /** For `Server-Timing`, in milliseconds. */
  readonly timings: Record<string, number>;
}
