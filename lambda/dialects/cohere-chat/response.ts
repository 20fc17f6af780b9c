import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { asObject, defined } from '../loose.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { type Ending, encodeEnding } from './finish-reason.ts';
import { MessageDecoder, readWholeMessage } from './message-decoder.ts';
import { type MessagePart, MessageWriter } from './message-writer.ts';
import { modelEdits, usageOf } from './stream.ts';
import { addReport, endingOf } from './stream-encoder.ts';
import { costEdits, encodeUsage } from './usage.ts';

/** Reads a provider's whole answer. */
export function decodeAnswer(body: string): Frame {
  const json = parseJsonObject(body);
  const decoder = new MessageDecoder();
  if (json === undefined) return failed(body, 'The provider sent an answer that is not a JSON object.');
  if (isJsonObject(json['message'])) readWholeMessage(decoder, json);
  else if (typeof json['message'] === 'string' || json['error'] !== undefined) decoder.failInBand(json);
  else return failed(body, 'The provider sent no answer.');
  const events = decoder.take();
  return { raw: body, events: events.at(-1)?.type === 'error' ? events : [...events, { type: 'end' }] };
}

const failed = (raw: string, message: string): Frame => ({
  raw,
  events: [invalidAnswer(message)],
});

/** The provider's whole answer for a caller of the same dialect. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const body = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || body === undefined) return frame.raw ?? '';
  const cost = asObject(body['usage']) === undefined ? undefined : usageOf(frame)?.cost;
  return editJson(frame.raw, [
    { path: ['id'], text: JSON.stringify(envelope.id), ifPresent: true },
    ...modelEdits(envelope),
    ...costEdits(['usage'], cost),
  ]);
}

/** An answer made of events: what a stream would have told, put together. */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const writer = new MessageWriter(envelope);
  const message = new CollectedMessage();
  let ending: Ending = { reason: 'stop', isStopSequence: false };
  let report: ReturnType<typeof addReport> | undefined;
  for (const event of events.filter(isOfFirstChoice)) {
    if (event.type === 'usage') report = addReport(report, event);
    else if (event.type === 'finish') ending = endingOf(event);
    else if ('block' in event) message.addAll(writer.write(event));
  }
  const text = JSON.stringify({ id: envelope.id, ...message.encode(), ...encodeEnding(ending) });
  return report === undefined
    ? text
    : `${text.slice(0, -1)},"usage":${encodeUsage(report.usage, report.cost)}}`;
}

/** A request has one answer in this format. */
const isOfFirstChoice = (event: ChatEvent): boolean => !('choice' in event) || event.choice === 0;

interface CollectedCall {
  readonly id: string;
  readonly name: string;
  arguments: string;
  signature: string | undefined;
}

class CollectedMessage {
  readonly #content: Record<string, Json>[] = [];
  readonly #calls: CollectedCall[] = [];
  readonly #citations: JsonObject[] = [];
  readonly #logprobs: JsonObject[] = [];

  addAll(parts: readonly MessagePart[]): void {
    for (const part of parts) this.#add(part);
  }

  #add(part: MessagePart): void {
    switch (part.type) {
      case 'content-start':
        this.#content[part.index] = { type: part.kind, [part.kind]: '' };
        return;
      case 'content-delta':
        this.#addText(part);
        return;
      case 'image':
        this.#content[part.index] = { type: 'image_url', image_url: { url: part.url } };
        return;
      case 'citation':
        this.#citations.push(part.citation);
        return;
      case 'call-start':
        this.#calls[part.index] = { id: part.id, name: part.name, arguments: '', signature: undefined };
        return;
      case 'call-delta': {
        const call = this.#calls[part.index];
        if (call !== undefined) call.arguments += part.arguments;
        return;
      }
      case 'content-proof': {
        const item = this.#content[part.index];
        if (item !== undefined) item['signature'] = part.signature;
        return;
      }
      case 'call-proof': {
        const call = this.#calls[part.index];
        if (call !== undefined) call.signature = part.signature;
        return;
      }
      case 'content-end':
      case 'call-end':
        return;
    }
  }

  #addText({ index, kind, text, logprobs }: Extract<MessagePart, { readonly type: 'content-delta' }>): void {
    const item = this.#content[index];
    if (item !== undefined) item[kind] = `${item[kind]}${text}`;
    this.#logprobs.push(...logprobs);
  }

  encode(): JsonObject {
    const calls = this.#calls.map(({ id, name, arguments: text, signature }) =>
      defined({ id, type: 'function', function: { name, arguments: text }, signature }),
    );
    return {
      message: {
        role: 'assistant',
        ...(this.#content.length > 0 || calls.length === 0 ? { content: this.#content } : {}),
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
        ...(this.#citations.length > 0 ? { citations: this.#citations } : {}),
      },
      ...(this.#logprobs.length > 0 ? { logprobs: this.#logprobs } : {}),
    };
  }
}
