/**
 * The provider that is called: OpenAI's chat completions and Anthropic's messages, whole and streamed. It does as little as
 * it can, keeps nothing, and writes the moment at which it sends a piece of text into that piece, as `@<nanoseconds>@`, so
 * that whoever reads it knows how long it was on its way.
 *
 * The model's name chooses the answer: `mock-c16-i10` has 16 pieces, 10 ms apart (0: one with each turn of the event loop).
 *
 *     node bench/upstream.ts --port 9100
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { monotonicNs } from './clock.ts';

interface Script {
  readonly pieces: number;
  readonly intervalMs: number;
  readonly stream: boolean;
}

/** How one format writes an answer. */
interface Wire {
  whole(content: string, pieces: number): string;
  readonly start: string;
  piece(content: string): string;
  end(pieces: number): string;
}

const PROMPT_TOKENS = 21;
const FILLER = 'xxxxxxxxxxxxxxxx ';
const marked = (): string => `@${monotonicNs()}@${FILLER}`;

const chunk = (rest: string): string =>
  `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"mock","service_tier":"default","system_fingerprint":"fp_bench",${rest}}\n\n`;
const openAiUsage = (pieces: number): string =>
  `"usage":{"prompt_tokens":${PROMPT_TOKENS},"completion_tokens":${pieces},"total_tokens":${PROMPT_TOKENS + pieces},"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}`;

const OPENAI: Wire = {
  whole: (content, pieces) =>
    `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"${content}","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],${openAiUsage(pieces)},"service_tier":"default","system_fingerprint":"fp_bench"}`,
  start: chunk(
    '"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null',
  ),
  piece: (content) =>
    chunk(
      `"choices":[{"index":0,"delta":{"content":"${content}"},"logprobs":null,"finish_reason":null}],"usage":null`,
    ),
  end: (pieces) =>
    chunk('"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null') +
    chunk(`"choices":[],${openAiUsage(pieces)}`) +
    'data: [DONE]\n\n',
};

const event = (type: string, rest: string): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
const anthropicUsage = (output: number): string =>
  `"usage":{"input_tokens":${PROMPT_TOKENS - 4},"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":${output}}`;

const ANTHROPIC: Wire = {
  whole: (content, pieces) =>
    `{"id":"msg_bench","type":"message","role":"assistant","model":"mock","content":[{"type":"text","text":"${content}"}],"stop_reason":"end_turn","stop_sequence":null,${anthropicUsage(pieces)}}`,
  start:
    event(
      'message_start',
      `,"message":{"id":"msg_bench","type":"message","role":"assistant","model":"mock","content":[],"stop_reason":null,"stop_sequence":null,${anthropicUsage(1)}}`,
    ) + event('content_block_start', ',"index":0,"content_block":{"type":"text","text":""}'),
  piece: (content) =>
    event('content_block_delta', `,"index":0,"delta":{"type":"text_delta","text":"${content}"}`),
  end: (pieces) =>
    event('content_block_stop', ',"index":0') +
    event(
      'message_delta',
      `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":${pieces}}`,
    ) +
    event('message_stop', ''),
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const [, pieces, intervalMs] = /"model":"mock-c(\d+)-i(\d+)"/.exec(body) ?? [];
  const script: Script = {
    pieces: Number(pieces),
    intervalMs: Number(intervalMs),
    stream: body.includes('"stream":true'),
  };
  const wire = request.url?.endsWith('/messages') ? ANTHROPIC : OPENAI;
  if (script.stream) return stream(response, wire, script);
  const whole = wire.whole(marked() + FILLER.repeat(script.pieces - 1), script.pieces);
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_bench' });
  response.end(whole);
}

async function stream(response: ServerResponse, wire: Wire, script: Script): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'x-request-id': 'req_bench',
  });
  response.write(wire.start);
  // An absolute schedule, so that a stream takes equally long whatever the load.
  let dueMs = performance.now();
  for (let sent = 0; sent < script.pieces && !response.destroyed; sent += 1) {
    response.write(wire.piece(marked()));
    dueMs += script.intervalMs;
    await (script.intervalMs === 0 ? nextTurn() : sleep(Math.max(0, dueMs - performance.now())));
  }
  response.end(wire.end(script.pieces));
}

const { values } = parseArgs({ options: { port: { type: 'string' } } });
createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.method === 'GET') response.end('ok');
  else
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
}).listen(Number(values.port ?? 9100), '127.0.0.1');
