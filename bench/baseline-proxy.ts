/**
 * The floor: what the least that could be called a gateway costs in Node. It parses the request's body, writes it again,
 * sends it on over a kept connection, and pipes the answer back. No keys, no money, no translation, no record.
 *
 *     node bench/baseline-proxy.ts --port 8800 --upstream http://127.0.0.1:9100
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { port: { type: 'string' }, upstream: { type: 'string' } } });
const upstream = new URL(values.upstream ?? 'http://127.0.0.1:9100');
const agent = new Agent({ keepAlive: true, scheduling: 'lifo' });

async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = JSON.stringify(await json(incoming));
  const call = request({
    host: upstream.hostname,
    port: upstream.port,
    path: incoming.url,
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: incoming.headers.authorization ?? '',
    },
  });
  call.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] });
    answer.on('error', () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  call.on('error', () => outgoing.destroy());
  outgoing.on('close', () => call.destroy());
  call.end(body);
}

createServer({ noDelay: true }, (incoming, outgoing) => {
  if (incoming.method === 'GET') outgoing.end('ok');
  else forward(incoming, outgoing).catch(() => outgoing.destroy());
}).listen(Number(values.port ?? 8800), '127.0.0.1');
