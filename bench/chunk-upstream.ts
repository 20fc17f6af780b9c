/**
 * The provider of `bench/chunk-cost.ts`: whatever it is asked, it streams a long answer in the dialect of the path, one small piece of
 * text at a time and as fast as it is read.
 *
 *     node bench/chunk-upstream.ts --port 9100 --pieces 2000
 */
import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Dialect } from '../lambda/dialects/dialect.ts';
import { DIALECTS } from '../lambda/dialects/registry.ts';
import type { ChatEvent } from '../lambda/domain/chat/event.ts';
import { dialectOfPath } from './chunk-dialects.ts';

const { values } = parseArgs({ options: { port: { type: 'string' }, pieces: { type: 'string' } } });
const PIECES = Number(values.pieces ?? 2_000);
const USAGE = { promptTokens: 21, completionTokens: PIECES };

const EVENTS: readonly ChatEvent[] = [
  { type: 'answer-start', upstreamId: 'bench', upstreamModel: 'mock', createdAtSeconds: 1_700_000_000 },
  { type: 'text-start', choice: 0, block: 0 },
  ...Array.from(
    { length: PIECES },
    (_, index): ChatEvent => ({ type: 'text-delta', choice: 0, block: 0, text: `word${index} ` }),
  ),
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'usage', usage: USAGE },
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
  { type: 'end' },
];

/** One write for each event that says something. */
function chunksOf(dialect: Dialect): readonly Buffer[] {
  const envelope = { id: 'bench', model: 'mock', createdAtSeconds: 1_700_000_000, includeUsage: true };
  const encoder = dialect.createStreamEncoder(envelope);
  return EVENTS.map((event) => Buffer.from(encoder.encode(event), dialect.streamEncoding)).filter(
    ({ length }) => length > 0,
  );
}

const STREAMS = new Map(
  [...DIALECTS].map((dialect) => [
    dialect.id,
    { type: dialect.streamContentType, chunks: chunksOf(dialect) },
  ]),
);

async function answer(path: string, response: ServerResponse): Promise<void> {
  const dialect = dialectOfPath(path);
  const stream = dialect && STREAMS.get(dialect);
  if (stream === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': stream.type });
  for (const chunk of stream.chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
    await nextTurn();
  }
  response.end();
}

createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  if (request.url === '/health') response.end('ok');
  else
    request.once('end', () => {
      answer(request.url ?? '', response).catch(() => response.destroy());
    });
}).listen(Number(values.port ?? 9100), '127.0.0.1');
