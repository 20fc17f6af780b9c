import { parseJsonObject } from '../../domain/json.ts';
import type { SimulatedAnswer } from '../contract.ts';
import type { SimulatedPrompt } from '../simulation/prompt.ts';
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
import { parseMessages } from './request.ts';

/**
 * A server that speaks Anthropic's Messages format, within the process. Each one made counts the calls of `flaky` for itself.
 * @see https://docs.anthropic.com/en/api/messages
 */
export function simulateMessages(): Simulator {
  const nextFault = faultSequence();
  return (call) => {
    if (call.path !== '/v1/messages')
      return failure(call, 404, 'not_found_error', `No such path: ${call.path}`);
    const prompt = parseMessages(call.body);
    if ('problem' in prompt) return failure(call, 400, 'invalid_request_error', prompt.problem);
    if (!isSimulatedModel(prompt.model))
      return failure(call, 404, 'not_found_error', `model: ${prompt.model}`);
    const fault = prompt.model === 'flaky' ? nextFault() : 'none';
    if (fault === 'overloaded') return failure(call, 503, 'overloaded_error', 'Overloaded');
    return answer({ call, prompt, fault, reply: replyTo(prompt) });
  };
}

interface Exchange {
  readonly call: SimulatedCall;
  readonly prompt: SimulatedPrompt;
  readonly fault: SimulatedFault;
  readonly reply: SimulatedReply;
}

function failure(call: SimulatedCall, status: number, type: string, message: string): SimulatedAnswer {
  const id = `req_${randomId(call.random, 24)}`;
  return {
    status,
    headers: { 'content-type': 'application/json', 'request-id': id },
    body: bodyOf([JSON.stringify({ type: 'error', error: { type, message }, request_id: id })]),
  };
}

function answer(exchange: Exchange): SimulatedAnswer {
  const { call, prompt, fault, reply } = exchange;
  const base = {
    id: `msg_${randomId(call.random, 24)}`,
    type: 'message',
    role: 'assistant',
    model: prompt.model,
  };
  const headers = { 'request-id': `req_${randomId(call.random, 24)}` };
  if (prompt.stream) {
    const body = bodyOf(streamTexts(exchange, base));
    return { status: 200, headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8' }, body };
  }
  const text = JSON.stringify({
    ...base,
    content: reply.blocks.map((block) => wholeBlock(call, block)),
    ...stopFields(reply),
    usage: usageOf(exchange, reply.completionTokens),
  });
  const timing = { delayMs: reply.completionTokens * reply.pieceDelayMs, isCut: fault === 'cut' };
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    body: wholeBody(call, text, timing),
  };
}

const usageOf = ({ prompt }: Exchange, outputTokens: number): object => ({
  input_tokens: prompt.promptTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: outputTokens,
  service_tier: 'standard',
});

function stopFields(reply: SimulatedReply): object {
  return { stop_reason: stopReason(reply), stop_sequence: reply.stopSequence ?? null };
}

function stopReason(reply: SimulatedReply): string {
  switch (reply.finish) {
    case 'tool-calls':
      return 'tool_use';
    case 'stop-sequence':
      return 'stop_sequence';
    case 'stop':
      return 'end_turn';
    case 'length':
      return 'max_tokens';
  }
}

function wholeBlock(call: SimulatedCall, block: ReplyBlock): object {
  const text = block.pieces.join('');
  return block.type === 'text'
    ? { type: 'text', text }
    : // Arguments that the limit cut are no JSON: what the model meant is lost, as it is in the real format.
      { type: 'tool_use', id: toolId(call), name: block.name, input: parseJsonObject(text) ?? {} };
}

const toolId = (call: SimulatedCall): string => `toolu_${randomId(call.random, 24)}`;

async function* streamTexts(exchange: Exchange, base: object): AsyncGenerator<string> {
  const { call, fault, reply } = exchange;
  const start = { ...base, content: [], stop_reason: null, stop_sequence: null, usage: usageOf(exchange, 1) };
  yield event('message_start', { message: start });
  let pieces = 0;
  for (const [index, block] of reply.blocks.entries()) {
    yield event('content_block_start', { index, content_block: emptyBlock(call, block) });
    if (index === 0) yield event('ping', {});
    for (const piece of block.pieces) {
      if (fault === 'cut' && pieces === PIECES_BEFORE_CUT) throw new SimulatedCutError();
      pieces += 1;
      await call.sleep(reply.pieceDelayMs);
      yield event('content_block_delta', { index, delta: deltaOf(block, piece) });
    }
    yield event('content_block_stop', { index });
  }
  const usage = usageOf(exchange, reply.completionTokens);
  yield event('message_delta', { delta: stopFields(reply), usage });
  yield event('message_stop', {});
}

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const emptyBlock = (call: SimulatedCall, block: ReplyBlock): object =>
  block.type === 'text'
    ? { type: 'text', text: '' }
    : { type: 'tool_use', id: toolId(call), name: block.name, input: {} };

const deltaOf = (block: ReplyBlock, piece: string): object =>
  block.type === 'text'
    ? { type: 'text_delta', text: piece }
    : { type: 'input_json_delta', partial_json: piece };
