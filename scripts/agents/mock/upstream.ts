import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { type JsonObject, parseJsonObject } from '../../../lambda/domain/json.ts';
import { ANTHROPIC_MESSAGES } from './anthropic-messages.ts';
import { GEMINI } from './gemini.ts';
import { OPENAI_CHAT } from './openai-chat.ts';
import { OPENAI_RESPONSES } from './openai-responses.ts';
import { brokenRules } from './rules.ts';
import { type Errand, replyTo } from './script.ts';
import { type MockFormat, PROMPT_TOKENS, textAt } from './turn.ts';

const FORMATS: readonly MockFormat[] = [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, GEMINI];

/** A call as a provider received it, without any of its text. */
export interface UpstreamCall {
  readonly path: string;
  readonly dialect: MockFormat['dialect'];
  readonly model: string;
  readonly stream: boolean;
  readonly toolCount: number;
  readonly reply: 'text' | 'tool-call';
  /** The shell's output came with it. */
  readonly hasMark: boolean;
  /** The signed reasoning of the turn before came with it, unchanged. */
  readonly hasProof: boolean;
  /** Signed reasoning was sent in answer to it. */
  readonly sentProof: boolean;
  /** What the real provider would have refused. */
  readonly brokenRules: readonly string[];
}

/** Every provider of an agent's errand, on one address. */
export interface AgentUpstream {
  /** Without a path. */
  readonly url: string;
  readonly calls: readonly UpstreamCall[];
  close(): Promise<void>;
}

/** Starts the mock on a free port of the loopback interface. */
export async function startAgentUpstream(errand: Errand): Promise<AgentUpstream> {
  const calls: UpstreamCall[] = [];
  const server = createServer((request, response) => {
    answer(request, response, { errand, calls }).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Script {
  readonly errand: Errand;
  readonly calls: UpstreamCall[];
}

async function answer(request: IncomingMessage, response: ServerResponse, script: Script): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const text = await textOf(request);
  const body = parseJsonObject(text);
  const format = FORMATS.find((one) => one.path.test(path));
  const count = tokenCount(path);
  if (body === undefined || (format === undefined && count === undefined))
    return respond(response, 404, { error: { message: `The mock has no ${path}.` } });
  if (format === undefined) return respond(response, 200, count ?? {});
  const model = textAt(body, 'model') || (/models\/([^/:]+):/.exec(path)?.[1] ?? '');
  const turn = format.readTurn(body);
  const reply = replyTo(turn, script.errand);
  const stream = format.isStreamed(body, path);
  script.calls.push({
    path,
    dialect: format.dialect,
    model,
    stream,
    toolCount: turn.tools.length,
    reply: reply.type,
    hasMark: turn.toolResults.some((result) => result.includes(script.errand.mark)),
    hasProof: text.includes(script.errand.proof),
    sentProof: reply.type === 'tool-call' && reply.proof !== undefined,
    brokenRules: [...new Set(brokenRules(format.dialect, body))],
  });
  if (!stream) return respond(response, 200, format.wholeAnswer(reply, model));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of format.streamedAnswer(reply, model)) response.write(event);
  response.end();
}

/** What the providers' own counters of tokens answer. */
function tokenCount(path: string): JsonObject | undefined {
  if (path.endsWith('/messages/count_tokens')) return { input_tokens: PROMPT_TOKENS };
  return path.endsWith(':countTokens') ? { totalTokens: PROMPT_TOKENS } : undefined;
}

function respond(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
