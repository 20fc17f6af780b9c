import type { ChatEvent, FinishReason, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { AnswerDecoder } from '../openai-chat/answer-decoder.ts';
import { envelopeEdits } from '../openai-chat/stream.ts';
import { encodeUsage } from '../openai-usage.ts';
import { failedAnswer, invalidAnswer } from '../upstream-error.ts';
import { asChat } from './as-chat.ts';
import { finishReason, Pieces } from './pieces.ts';
import { completion } from './wire.ts';

/** Reads a provider's whole answer. */
export function decodeAnswer(body: string): Frame {
  const json = parseJsonObject(body);
  if (json === undefined)
    return { raw: body, events: [invalidAnswer('The provider sent an answer that is not a JSON object.')] };
  const decoder = new AnswerDecoder();
  const events = decoder.read(asChat(json, 'message'), 'message');
  return { raw: body, events: events.at(-1)?.type === 'error' ? events : [...events, ...decoder.end()] };
}

/** A whole answer made of events. @throws GatewayError for an answer of which a choice failed */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  if (events.some((event) => event.type === 'finish' && event.reason === 'error')) throw failedAnswer();
  const pieces = new Pieces();
  const choices = new Map<number, { text: string; logprobs: JsonObject | undefined; reason: FinishReason }>();
  let usage: Usage | undefined;
  let cost: Cost | undefined;
  for (const event of events) {
    if (event.type === 'usage') {
      usage = mergeUsage(usage, event.usage);
      cost = event.cost ?? cost;
    }
    if (!('choice' in event)) continue;
    const choice = choices.get(event.choice) ?? { text: '', logprobs: undefined, reason: 'stop' };
    choices.set(event.choice, choice);
    if (event.type === 'finish') choice.reason = event.reason;
    const piece = pieces.read(event);
    choice.text += piece?.text ?? '';
    choice.logprobs = joined(choice.logprobs, piece?.logprobs);
  }
  const wire = [...choices]
    .sort(([a], [b]) => a - b)
    .map(([index, { text, logprobs = null, reason }]) => {
      return { text, index, logprobs, finish_reason: finishReason(reason) };
    });
  return completion(envelope, wire, usage === undefined ? undefined : encodeUsage(usage, cost));
}

/** Lists of both, one after the other. */
function joined(before: JsonObject | undefined, piece: JsonObject | undefined): JsonObject | undefined {
  if (before === undefined || piece === undefined) return before ?? piece;
  const members = Object.entries(piece).map(([name, list]) => {
    const known = before[name];
    return [name, [...(Array.isArray(known) ? known : []), ...(Array.isArray(list) ? list : [])]];
  });
  return Object.fromEntries(members);
}

/** The provider's whole answer for a caller of the same format. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const body = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || body === undefined) return frame.raw ?? '';
  return editJson(frame.raw, envelopeEdits(body, frame.events, envelope));
}
