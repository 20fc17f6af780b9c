import { UpstreamTransportError } from '../../ports/upstream.ts';

/**
 * What Node throws for a connection, in our terms. The message names the host and the fault, nothing that was sent.
 * @param mayHaveArrived false where the connection never stood
 */
export function transportError(error: unknown, host: string, mayHaveArrived = true): UpstreamTransportError {
  if (error instanceof UpstreamTransportError) return error;
  return new UpstreamTransportError('connection', `The connection to ${host} failed (${faultOf(error)}).`, {
    cause: error,
    mayHaveArrived,
  });
}

function faultOf(error: unknown): string {
  // Node's system and parser errors carry a code; others have a message only.
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown };
  return String(code ?? message ?? 'unknown');
}
