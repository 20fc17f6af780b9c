/** A call to a provider, ready to be sent. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or the bytes of a form with a file. */
  readonly body: string | Uint8Array;
  /** Aborting ends the call, also while the body streams. */
  readonly signal: AbortSignal;
  readonly connectTimeoutMs: number;
}

export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case names; of a header that came twice, the values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Throws UpstreamTransportError when the connection breaks before the body's end. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request. No retries, no redirects, no decompression asked for.
 * @throws UpstreamTransportError when there is no answer
 */
export type SendUpstream = (request: UpstreamRequest) => Promise<UpstreamResponse>;

/** The connection failed: refused, reset, cut, or not made in time. An abort by our own signal is `aborted`. */
export class UpstreamTransportError extends Error {
  readonly kind: 'connect-timeout' | 'connection' | 'aborted';
  /** False where the connection never stood: the provider knows nothing of the call. */
  readonly mayHaveArrived: boolean;

  constructor(
    kind: UpstreamTransportError['kind'],
    message: string,
    options: { readonly cause?: unknown; readonly mayHaveArrived?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'UpstreamTransportError';
    this.kind = kind;
    this.mayHaveArrived = options.mayHaveArrived ?? true;
  }
}
