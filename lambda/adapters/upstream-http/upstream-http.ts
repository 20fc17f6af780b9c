import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import {
  type SendUpstream,
  type UpstreamRequest,
  type UpstreamResponse,
  UpstreamTransportError,
} from '../../ports/upstream.ts';
import { responseBody } from './response-body.ts';
import { transportError } from './transport-error.ts';

export interface UpstreamHttpOptions {
  /** Connections to one host at a time. @default no bound */
  readonly maxSockets?: number;
}

/**
 * A connection that was closed while it lay idle says so within a round trip. What fails later may have been received, and
 * be charged: sending it again is not ours to decide.
 */
const STALE_WITHIN_NANOSECONDS = 500_000_000n;

interface Transport {
  readonly agent: HttpAgent;
  readonly send: typeof httpRequest;
  /** The socket's event that says the connection stands. */
  readonly connectedEvent: 'connect' | 'secureConnect';
}

/**
 * Calls providers over HTTP/1.1 on connections that are kept open. A connection the provider closed while it lay idle
 * (a Lambda environment was frozen) shows only when it is used again: such a call is sent once more, on a new one.
 */
export function upstreamHttp(options: UpstreamHttpOptions = {}): SendUpstream {
  const agentOptions = { keepAlive: true, noDelay: true, scheduling: 'lifo', ...options } as const;
  const plain: Transport = {
    agent: new HttpAgent(agentOptions),
    send: httpRequest,
    connectedEvent: 'connect',
  };
  const secure: Transport = {
    agent: new HttpsAgent({ ...agentOptions, ALPNProtocols: ['http/1.1'] }),
    send: httpsRequest,
    connectedEvent: 'secureConnect',
  };
  return async (request) => {
    const url = parseAddress(request.url);
    const transport = url.protocol === 'https:' ? secure : plain;
    const first = await sendOnce(request, url, transport);
    if (first.type === 'response') return first.response;
    closeIdleConnections(transport.agent);
    const second = await sendOnce(request, url, transport);
    if (second.type === 'response') return second.response;
    throw second.error;
  };
}

function parseAddress(address: string): URL {
  const url = URL.parse(address);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new UpstreamTransportError('connection', 'The address of the provider is no http or https URL.');
}

/** Where one idle connection has gone stale, its neighbours have too. */
function closeIdleConnections(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

type SendOutcome =
  | { readonly type: 'response'; readonly response: UpstreamResponse }
  | { readonly type: 'stale-connection'; readonly error: UpstreamTransportError };

function sendOnce(request: UpstreamRequest, url: URL, transport: Transport): Promise<SendOutcome> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) {
      const unsent = { mayHaveArrived: false };
      reject(new UpstreamTransportError('aborted', 'The call was given up before it was sent.', unsent));
      return;
    }
    const call = transport.send(url, {
      method: request.method,
      agent: transport.agent,
      headers: { ...request.headers, 'accept-encoding': 'identity' },
    });
    const sentAtNanoseconds = process.hrtime.bigint();
    const stopTimer = limitConnecting(call, transport.connectedEvent, request.connectTimeoutMs);
    const bytesReadBefore = countBytesBefore(call);
    const hasConnected = watchConnecting(call, transport.connectedEvent);
    const onAbort = (): void => {
      const sent = { mayHaveArrived: hasConnected() };
      call.destroy(new UpstreamTransportError('aborted', 'The call was given up.', sent));
    };
    request.signal.addEventListener('abort', onAbort, { once: true });
    call.on('response', (response) => {
      stopTimer();
      request.signal.removeEventListener('abort', onAbort);
      resolve({ type: 'response', response: upstreamResponse(response, request.signal, url.host) });
    });
    // Stays for good: an error after the response has begun is the body's to tell.
    call.on('error', (error) => {
      stopTimer();
      request.signal.removeEventListener('abort', onAbort);
      const translated = transportError(error, url.host, hasConnected());
      const isStale =
        translated.kind === 'connection' &&
        call.reusedSocket &&
        call.socket?.bytesRead === bytesReadBefore() &&
        process.hrtime.bigint() - sentAtNanoseconds < STALE_WITHIN_NANOSECONDS;
      if (isStale) resolve({ type: 'stale-connection', error: translated });
      else reject(translated);
    });
    call.end(request.body);
  });
}

/** Name resolution, TCP and TLS together. Waiting for a free connection under `maxSockets` does not count. */
function limitConnecting(call: ClientRequest, connectedEvent: string, timeoutMs: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearTimeout(timer);
  call.on('socket', (socket) => {
    if (call.reusedSocket) return;
    timer = setTimeout(() => {
      call.destroy(
        new UpstreamTransportError(
          'connect-timeout',
          `No connection to ${call.host} within ${timeoutMs} ms.`,
          { mayHaveArrived: false },
        ),
      );
    }, timeoutMs);
    socket.once(connectedEvent, stop);
  });
  return stop;
}

/** Tells whether the connection stands: before that nothing of the call has left. */
function watchConnecting(call: ClientRequest, connectedEvent: string): () => boolean {
  let hasConnected = false;
  call.on('socket', (socket) => {
    hasConnected = call.reusedSocket;
    if (hasConnected) return;
    socket.once(connectedEvent, () => {
      hasConnected = true;
    });
  });
  return () => hasConnected;
}

function countBytesBefore(call: ClientRequest): () => number {
  let bytesRead = 0;
  call.on('socket', (socket) => {
    bytesRead = socket.bytesRead;
  });
  return () => bytesRead;
}

function upstreamResponse(response: IncomingMessage, signal: AbortSignal, host: string): UpstreamResponse {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(response.headersDistinct))
    if (values !== undefined) headers[name] = values.join(', ');
  return { status: response.statusCode ?? 0, headers, body: responseBody(response, signal, host) };
}
