import type { ChatEvent } from '../../domain/chat/event.ts';
import type { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { defined } from '../loose.ts';
import { gatewayErrorOf } from '../upstream-error.ts';
import { errorMembers } from './errors.ts';
import { type Ending, encodeEnding } from './finish-reason.ts';
import { joinLogprobs } from './logprobs.ts';
import { type MessagePart, MessageWriter } from './message-writer.ts';
import { encodeUsage } from './usage.ts';
import { DONE_FRAME, streamEvent } from './wire.ts';

/** Usage and its cost as far as they are known. */
interface Report {
  readonly usage: Usage;
  readonly cost?: Cost;
}

/**
 * Events of any dialect as Cohere's stream. A request has one answer there, so only the first choice is told. Usage and the
 * reason of the end come together, last.
 */
export const createStreamEncoder = (envelope: AnswerEnvelope): StreamEncoder => new EventEncoder(envelope);

/** The end of a stream that failed. */
export function errorEvent(error: GatewayError, envelope: AnswerEnvelope, report?: Report): string {
  const ending = { finish_reason: 'ERROR', error: error.message, ...errorMembers(error) };
  return endEvent(envelope, ending, report);
}

/** An error after the first byte. */
export const encodeStreamError = (error: GatewayError, envelope: AnswerEnvelope): string =>
  errorEvent(error, envelope);

class EventEncoder implements StreamEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #writer: MessageWriter;
  #report: Report | undefined;
  #ending: Ending = { reason: 'stop', isStopSequence: false };

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
    this.#writer = new MessageWriter(envelope);
  }

  encode(event: ChatEvent): string {
    switch (event.type) {
      case 'answer-start':
        return startEvent(this.#envelope);
      case 'usage':
        this.#report = addReport(this.#report, event);
        return '';
      case 'finish':
        if (event.choice === 0) this.#ending = endingOf(event);
        return '';
      case 'end':
        return endEvent(this.#envelope, encodeEnding(this.#ending), this.#report) + DONE_FRAME;
      case 'error':
        return errorEvent(gatewayErrorOf(event.error), this.#envelope, this.#report);
      default:
        return event.choice === 0 ? this.#writer.write(event).map(partEvent).join('') : '';
    }
  }
}

/** A later report of usage over an earlier one. */
export const addReport = (earlier: Report | undefined, { usage, cost }: Report): Report => ({
  ...earlier,
  usage: mergeUsage(earlier?.usage, usage),
  ...(cost === undefined ? {} : { cost }),
});

/** How a choice ended, in this format's terms. */
export const endingOf = (finish: Extract<ChatEvent, { readonly type: 'finish' }>): Ending => ({
  reason: finish.reason,
  isStopSequence: finish.stopSequence !== undefined || finish.upstreamReason === 'STOP_SEQUENCE',
});

function startEvent({ id }: AnswerEnvelope): string {
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  return written({ id, type: 'message-start', delta: { message } });
}

/** @param ending members of `delta` */
function endEvent({ id }: AnswerEnvelope, ending: JsonObject, report: Report | undefined): string {
  const delta = JSON.stringify(ending);
  const usage = report === undefined ? '' : `,"usage":${encodeUsage(report.usage, report.cost)}`;
  const json = `{"type":"message-end","id":${JSON.stringify(id)},"delta":${delta.slice(0, -1)}${usage}}}`;
  return streamEvent('message-end', json);
}

function partEvent(part: MessagePart): string {
  const { index } = part;
  switch (part.type) {
    case 'content-start':
      return withMessage(part.type, index, { content: { type: part.kind, [part.kind]: '' } });
    case 'content-delta': {
      const logprobs = joinLogprobs(part.logprobs);
      return withMessage(part.type, index, { content: { [part.kind]: part.text } }, defined({ logprobs }));
    }
    case 'image':
      return withMessage('content-start', index, {
        content: { type: 'image_url', image_url: { url: part.url } },
      });
    case 'citation':
      return (
        withMessage('citation-start', index, { citations: part.citation }) +
        written({ type: 'citation-end', index })
      );
    case 'call-start': {
      const { id, name } = part;
      const call = { id, type: 'function', function: { name, arguments: '' } };
      return withMessage('tool-call-start', index, { tool_calls: call });
    }
    case 'call-delta':
      return withMessage('tool-call-delta', index, {
        tool_calls: { function: { arguments: part.arguments } },
      });
    case 'content-proof':
      return withMessage('content-delta', index, {
        content: { thinking: '', signature: part.signature },
      });
    case 'call-proof':
      return withMessage('tool-call-delta', index, {
        tool_calls: { function: { arguments: '' }, signature: part.signature },
      });
    case 'content-end':
      return written({ type: 'content-end', index });
    case 'call-end':
      return written({ type: 'tool-call-end', index });
  }
}

const withMessage = (type: string, index: number, message: JsonObject, beside: JsonObject = {}): string =>
  written({ type, index, delta: { message }, ...beside });

const written = (event: JsonObject & { readonly type: string }): string =>
  streamEvent(event.type, JSON.stringify(event));
