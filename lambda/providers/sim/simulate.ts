import type { SimulatedAnswer } from '../contract.ts';
import { embeddingOf } from '../simulation/embedding.ts';
import { isSimulatedModel, type ReplyBlock, replyTo, type SimulatedReply } from '../simulation/reply.ts';
import {
  bodyOf,
  faultSequence,
  PIECES_BEFORE_CUT,
  randomId,
  type SimulatedCall,
  SimulatedCutError,
  type SimulatedFault,
  type Simulator,
  wholeBody,
} from '../simulation/simulated-call.ts';
import { countTokens } from '../simulation/tokens.ts';
import { parseChat, parseEmbedding, type SimulatedChat } from './request.ts';

/**
 * A server that speaks OpenAI's chat and embedding formats, within the process. Each one made counts the calls of `flaky`
 * for itself.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export function simulateChat(): Simulator {
  const nextFault = faultSequence();
  return (call) => {
    if (call.path === '/embeddings') return answerEmbedding(call.body);
    if (call.path !== '/chat/completions')
      return failure(404, 'not_found_error', null, `Unknown request URL: POST ${call.path}.`);
    const chat = parseChat(call.body);
    if ('problem' in chat) return failure(400, 'invalid_request_error', null, chat.problem);
    if (!isSimulatedModel(chat.model))
      return failure(
        404,
        'invalid_request_error',
        'model_not_found',
        `The model \`${chat.model}\` does not exist.`,
      );
    const fault = chat.model === 'flaky' ? nextFault() : 'none';
    if (fault === 'overloaded')
      return failure(
        503,
        'server_error',
        null,
        'The engine is currently overloaded, please try again later.',
      );
    return answer({ call, chat, fault, reply: replyTo(chat) });
  };
}

/** @see https://platform.openai.com/docs/api-reference/embeddings */
function answerEmbedding(body: string): SimulatedAnswer {
  const request = parseEmbedding(body);
  if ('problem' in request) return failure(400, 'invalid_request_error', null, request.problem);
  if (request.model !== 'embed')
    return failure(
      404,
      'invalid_request_error',
      'model_not_found',
      `The model \`${request.model}\` does not exist.`,
    );
  const tokens = request.inputs.reduce((sum, input) => sum + countTokens(input), 0);
  const text = JSON.stringify({
    object: 'list',
    data: request.inputs.map((input, index) => ({
      object: 'embedding',
      index,
      embedding: embeddingOf(input),
    })),
    model: request.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
  return { status: 200, headers: { 'content-type': 'application/json' }, body: bodyOf([text]) };
}

interface Exchange {
  readonly call: SimulatedCall;
  readonly chat: SimulatedChat;
  readonly fault: SimulatedFault;
  readonly reply: SimulatedReply;
}

function failure(status: number, type: string, code: string | null, message: string): SimulatedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: bodyOf([JSON.stringify({ error: { message, type, param: null, code } })]),
  };
}

function answer(exchange: Exchange): SimulatedAnswer {
  const { call, chat, fault, reply } = exchange;
  const base = {
    id: `chatcmpl-${randomId(call.random, 29)}`,
    created: Math.floor(call.now() / 1_000),
    model: chat.model,
    system_fingerprint: 'fp_simulated',
  };
  const headers = { 'x-request-id': `req_${randomId(call.random, 24)}` };
  if (chat.stream) {
    const body = bodyOf(streamTexts(exchange, { ...base, object: 'chat.completion.chunk' }));
    return { status: 200, headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' }, body };
  }
  const choices = Array.from({ length: chat.choices }, (_, index) => wholeChoice(exchange, index));
  const text = JSON.stringify({ ...base, object: 'chat.completion', choices, usage: usageOf(exchange) });
  const timing = { delayMs: reply.completionTokens * reply.pieceDelayMs, isCut: fault === 'cut' };
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    body: wholeBody(call, text, timing),
  };
}

const finishReason = (reply: SimulatedReply): string => {
  switch (reply.finish) {
    case 'tool-calls':
      return 'tool_calls';
    case 'stop-sequence':
      return 'stop';
    case 'stop':
    case 'length':
      return reply.finish;
  }
};

const usageOf = ({ chat, reply }: Exchange): object => {
  const completion = reply.completionTokens * chat.choices;
  return {
    prompt_tokens: chat.promptTokens,
    completion_tokens: completion,
    total_tokens: chat.promptTokens + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
};

function wholeChoice({ call, reply }: Exchange, index: number): object {
  const texts = reply.blocks.filter((block) => block.type === 'text');
  const calls = reply.blocks.flatMap((block) =>
    block.type === 'tool-call' ? [wholeToolCall(call, block)] : [],
  );
  return {
    index,
    message: {
      role: 'assistant',
      content: calls.length > 0 ? null : texts.flatMap(({ pieces }) => pieces).join(''),
      refusal: null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    },
    logprobs: null,
    finish_reason: finishReason(reply),
  };
}

const wholeToolCall = (call: SimulatedCall, block: ReplyBlock & { readonly type: 'tool-call' }): object => ({
  id: `call_${randomId(call.random, 24)}`,
  type: 'function',
  function: { name: block.name, arguments: block.pieces.join('') },
});

async function* streamTexts(exchange: Exchange, base: object): AsyncGenerator<string> {
  const { call, chat, fault, reply } = exchange;
  const indexes = Array.from({ length: chat.choices }, (_, index) => index);
  const noUsage = chat.includeUsage ? { usage: null } : {};
  const chunks = (delta: object, finish: string | null = null): string =>
    indexes
      .map((index) =>
        event({ ...base, choices: [{ index, delta, logprobs: null, finish_reason: finish }], ...noUsage }),
      )
      .join('');
  yield chunks({
    role: 'assistant',
    content: reply.blocks[0]?.type === 'tool-call' ? null : '',
    refusal: null,
  });
  let pieces = 0;
  for (const { delta, isPiece } of deltas(exchange)) {
    if (isPiece) {
      if (fault === 'cut' && pieces === PIECES_BEFORE_CUT) throw new SimulatedCutError();
      pieces += 1;
      await call.sleep(reply.pieceDelayMs);
    }
    yield chunks(delta);
  }
  yield chunks({}, finishReason(reply));
  if (chat.includeUsage) yield event({ ...base, choices: [], usage: usageOf(exchange) });
  yield 'data: [DONE]\n\n';
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

function* deltas({
  call,
  reply,
}: Exchange): Generator<{ readonly delta: object; readonly isPiece: boolean }> {
  let toolIndex = -1;
  for (const block of reply.blocks) {
    if (block.type === 'tool-call') {
      toolIndex += 1;
      const head = {
        id: `call_${randomId(call.random, 24)}`,
        type: 'function',
        function: { name: block.name, arguments: '' },
      };
      yield { delta: { tool_calls: [{ index: toolIndex, ...head }] }, isPiece: false };
    }
    for (const piece of block.pieces) {
      const delta =
        block.type === 'text'
          ? { content: piece }
          : { tool_calls: [{ index: toolIndex, function: { arguments: piece } }] };
      yield { delta, isPiece: true };
    }
  }
}
