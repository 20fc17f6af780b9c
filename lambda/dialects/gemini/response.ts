import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJson, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { isEmpty } from '../loose.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { AnswerEncoder, answerText } from './answer-encoder.ts';
import { costEdits } from './usage.ts';
import { objectIn, objectsIn } from './wire.ts';

/** Reads a provider's whole answer; also one that came as the list of its chunks, as streams come without `alt=sse`. */
export function decodeAnswer(body: string): Frame {
  const json = parseJson(body);
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  const chunks = Array.isArray(json) ? (json as readonly Json[]) : [json];
  if (!chunks.every(isJsonObject)) {
    return { raw: body, events: [invalidAnswer('The provider sent an answer that is not a JSON object.')] };
  }
  const decoder = new AnswerDecoder();
  const events: ChatEvent[] = [];
  for (const chunk of chunks) {
    events.push(...decoder.read(chunk));
    if (events.at(-1)?.type === 'error') return { raw: body, events };
  }
  return { raw: body, events: [...events, ...decoder.end()] };
}

/** The provider's whole answer for a caller of the same dialect. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const body = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || body === undefined) return frame.raw ?? '';
  return editJson(frame.raw, envelopeEdits(body, frame.events, envelope));
}

/** What is the gateway's own in an answer: id, model, and the cost beside the usage. */
export function envelopeEdits(
  body: JsonObject,
  events: readonly ChatEvent[],
  envelope: AnswerEnvelope,
): JsonEdit[] {
  const usage = events.findLast((event) => event.type === 'usage');
  const id = JSON.stringify(envelope.id);
  const model = JSON.stringify(envelope.model);
  return [
    { path: ['responseId'], text: id, ifPresent: true },
    { path: ['response_id'], text: id, ifPresent: true },
    { path: ['modelVersion'], text: model, ifPresent: true },
    { path: ['model_version'], text: model, ifPresent: true },
    ...costEdits(body, usage?.cost),
  ];
}

/** An answer made of events: the chunks a stream would have had, put together. */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const encoder = new AnswerEncoder(envelope);
  const candidates = new Map<number, JsonObject>();
  for (const event of events)
    for (const piece of encoder.encode(event)) {
      const index = Number(piece['index']);
      candidates.set(index, mergedCandidates(candidates.get(index), piece));
    }
  const ordered = [...candidates].sort(([a], [b]) => a - b).map(([, candidate]) => candidate);
  return answerText({ candidates: ordered, usage: encoder.usage, envelope });
}

function mergedCandidates(before: JsonObject | undefined, piece: JsonObject): JsonObject {
  if (before === undefined) return piece;
  const parts = [...objectsIn(objectIn(before, 'content'), 'parts')];
  for (const part of objectsIn(objectIn(piece, 'content'), 'parts')) {
    const joined = joinedText(parts.at(-1), part);
    if (joined === undefined) parts.push(part);
    else parts[parts.length - 1] = joined;
  }
  const logprobs = mergedLogprobs(objectIn(before, 'logprobsResult'), objectIn(piece, 'logprobsResult'));
  const content = { parts, role: 'model' };
  return { ...before, ...piece, content, ...(!isEmpty(logprobs) && { logprobsResult: logprobs }) };
}

/** Text goes on in the part before it, unless that one was signed; `undefined` where the part stands by itself. */
function joinedText(before: JsonObject | undefined, part: JsonObject): JsonObject | undefined {
  if (typeof before?.['text'] !== 'string' || typeof part['text'] !== 'string') return undefined;
  if (before['thoughtSignature'] !== undefined || before['thought'] !== part['thought']) return undefined;
  return { ...before, ...part, text: before['text'] + part['text'] };
}

function mergedLogprobs(before: JsonObject, piece: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(before), ...Object.keys(piece)])];
  return Object.fromEntries(
    names.map((name) => [name, [...objectsIn(before, name), ...objectsIn(piece, name)]]),
  );
}
