import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { mediaUsage, secondsOf } from '../openai-media-usage.ts';
import { costEdits } from '../openai-usage.ts';
import { costOfEvents, textAnswer, textOfEvents } from '../operation-dialect.ts';

/** JSON with the text in it, or the text itself: plain, or as subtitles. */
export function decodeAnswer(body: string): Frame {
  const object = parseJsonObject(body);
  if (object === undefined) return { raw: body, events: textAnswer({}, body, undefined) };
  if (isJsonObject(object['error']))
    return { raw: body, events: [{ type: 'error', error: decodeErrorChunk(object) }] };
  // A transcript that happens to be JSON is one all the same.
  const { text } = object;
  return {
    raw: body,
    events: textAnswer({}, typeof text === 'string' ? text : body, usageOf(object)),
  };
}

/** `duration` stands in verbose answers of models that are charged by the second. */
export const usageOf = (object: JsonObject): Usage | undefined =>
  mediaUsage(object, 'text') ?? secondsOf(object['duration']);

/** The text as JSON, or alone where that was asked for. */
export function encodeAnswer(events: readonly ChatEvent[], { request }: AnswerEnvelope): string {
  const text = textOfEvents(events);
  if (request?.nativeOptions['response_format'] === 'text') return text;
  const usage = events.findLast((event) => event.type === 'usage')?.usage;
  const body = { text, ...(usage !== undefined && { usage: wireUsage(usage) }) };
  return editJson(JSON.stringify(body), costEdits(body, costOfEvents(events)));
}

/** Usage in OpenAI's spelling for transcriptions. */
export function wireUsage({
  audioSeconds,
  promptTokens = 0,
  promptAudioTokens = 0,
  completionTokens = 0,
}: Usage): JsonObject {
  if (audioSeconds !== undefined) return { type: 'duration', seconds: audioSeconds };
  return {
    type: 'tokens',
    input_tokens: promptTokens,
    input_token_details: { text_tokens: promptTokens - promptAudioTokens, audio_tokens: promptAudioTokens },
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** What it cost is added where usage stands; subtitles and plain text stay as they came. */
export function patchAnswer({ raw = '', events }: Frame, _envelope: AnswerEnvelope): string {
  const body = parseJsonObject(raw);
  return body === undefined ? raw : editJson(raw, costEdits(body, costOfEvents(events)));
}
