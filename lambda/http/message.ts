/** A request as plain data, whatever the host. */
export interface HttpRequest {
  readonly method: string;
  /** Decoded by nobody: as it stood in the request line, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body was longer than the host takes: it is left out (`body` is empty), and the answer is a 413. */
  readonly bodyTooLarge?: true;
  /** Aborts when the caller leaves, on hosts that can tell (Lambda cannot). */
  readonly signal: AbortSignal;
}

/**
 * Header in which a host passes on who signed the request with AWS credentials (an ARN). Hosts remove it from what comes
 * from outside, so whoever reads it can rely on it.
 */
export const IAM_CALLER_HEADER = 'x-sluice-iam-arn';

/** An answer as plain data. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** At least one chunk, also where there is nothing to say: a Lambda stream without bytes loses its status. */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * What is left to do once the last byte is out or the caller is gone: settle, record. The host calls it once, awaits it,
   * and never lets it delay the answer's end.
   */
  readonly afterEnd?: () => Promise<void>;
}

export type HttpApplication = (request: HttpRequest) => Promise<HttpResponse>;

const ENCODER = new TextEncoder();

/** An answer that is whole already. */
export function wholeResponse(
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): HttpResponse {
  return { status, headers, body: once(ENCODER.encode(text === '' ? '\n' : text)) };
}

/** JSON, whole. */
export const jsonResponse = (
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse =>
  wholeResponse(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));

async function* once(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
