import type { ChatEvent, FinishReason, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { encodeUsage } from '../openai-usage.ts';
import { failedAnswer, invalidAnswer } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { ChoiceEncoder, type DeltaPart, finishReason, type GoodReason } from './choice-encoder.ts';
import { envelopeEdits } from './stream.ts';

/** Reads a provider's whole answer. */
export function decodeAnswer(body: string): Frame {
  const json = parseJsonObject(body);
  if (json === undefined) {
    return { raw: body, events: [invalidAnswer('The provider sent an answer that is not a JSON object.')] };
  }
  const decoder = new AnswerDecoder();
  const events = decoder.read(json, 'message');
  return { raw: body, events: events.at(-1)?.type === 'error' ? events : [...events, ...decoder.end()] };
}

/** The provider's whole answer for a caller of the same dialect. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const body = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || body === undefined) return frame.raw ?? '';
  return editJson(frame.raw, envelopeEdits(body, frame.events, envelope));
}

/**
 * An answer made of events: the deltas a stream would have had, put together.
 * @throws GatewayError `upstream_error` where a choice ended with an error
 */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const choices = new Map<number, CollectedChoice>();
  const at = (index: number): CollectedChoice => {
    const choice = choices.get(index) ?? new CollectedChoice(envelope);
    choices.set(index, choice);
    return choice;
  };
  let usage: Usage | undefined;
  let cost: Cost | undefined;
  for (const event of events) {
    if (event.type === 'usage') {
      usage = mergeUsage(usage, event.usage);
      cost = event.cost ?? cost;
    } else if (event.type === 'finish') at(event.choice).finish(event.reason);
    else if ('block' in event) at(event.choice).add(event);
  }
  const text = JSON.stringify({
    id: envelope.id,
    object: 'chat.completion',
    created: envelope.createdAtSeconds,
    model: envelope.model,
    ...(usage?.serviceTier === undefined ? {} : { service_tier: usage.serviceTier }),
    choices: [...choices].sort(([a], [b]) => a - b).map(([index, choice]) => choice.encode(index)),
  });
  return usage === undefined ? text : `${text.slice(0, -1)},"usage":${encodeUsage(usage, cost)}}`;
}

class CollectedChoice {
  #reason: GoodReason = 'stop';
  readonly #encoder: ChoiceEncoder;
  readonly #message = new Map<string, Json>();
  #logprobs: JsonObject | null = null;

  constructor(envelope: AnswerEnvelope) {
    this.#encoder = new ChoiceEncoder(envelope);
  }

  add(event: Parameters<ChoiceEncoder['encode']>[0]): void {
    const part = this.#encoder.encode(event);
    if (part === undefined) return;
    for (const [name, value] of Object.entries(part.delta)) {
      if (name === 'tool_calls') this.#addToolCalls(value);
      else if (value !== undefined) this.#message.set(name, joined(this.#message.get(name), value));
    }
    this.#addLogprobs(part);
  }

  finish(reason: FinishReason): void {
    if (reason === 'error') throw failedAnswer();
    this.#reason = reason;
  }

  encode(index: number): JsonObject {
    const message = {
      role: 'assistant',
      content: null,
      refusal: null,
      ...Object.fromEntries(this.#message),
    };
    const reason = finishReason(this.#reason, this.#encoder.hasRefusal);
    return { index, message, logprobs: this.#logprobs, finish_reason: reason };
  }

  /** Pieces carry an index; in a whole message the place in the list is the index. */
  #addToolCalls(pieces: Json | undefined): void {
    const known = this.#message.get('tool_calls');
    const calls = Array.isArray(known) ? [...known] : [];
    for (const piece of Array.isArray(pieces) ? pieces : []) {
      const { index, ...call } = piece;
      calls[index] = joined(calls[index], call);
    }
    this.#message.set('tool_calls', calls);
  }

  #addLogprobs({ beside }: DeltaPart): void {
    const logprobs = beside?.['logprobs'];
    if (isJsonObject(logprobs)) this.#logprobs = mergedObjects(this.#logprobs ?? {}, logprobs);
  }
}

/** Text and lists grow, objects grow member by member, anything else is replaced. */
function joined(before: Json | undefined, piece: Json): Json {
  if (typeof before === 'string' && typeof piece === 'string') return before + piece;
  if (Array.isArray(before) && Array.isArray(piece)) return [...before, ...piece];
  return isJsonObject(before) && isJsonObject(piece) ? mergedObjects(before, piece) : piece;
}

function mergedObjects(before: JsonObject, piece: JsonObject): JsonObject {
  const members = Object.entries(piece).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, joined(before[name], value)]],
  );
  return { ...before, ...Object.fromEntries(members) };
}
