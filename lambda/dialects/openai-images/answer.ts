import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { countIn, textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { imageKindOf, mediaUsage } from '../openai-media-usage.ts';
import { costEdits } from '../openai-usage.ts';
import { costOfEvents, jsonFrame, startOf } from '../operation-dialect.ts';
import { invalidAnswer } from '../upstream-error.ts';

/** One block a picture; where a provider gives addresses, those are the blocks' texts. */
export const decodeAnswer = (body: string): Frame =>
  jsonFrame(body, (object): readonly ChatEvent[] => {
    const { data } = object;
    if (!Array.isArray(data))
      return [
        object['error'] === undefined
          ? invalidAnswer('The answer holds no pictures.')
          : { type: 'error', error: decodeErrorChunk(object) },
      ];
    const pictures = data.filter((item: Json) => isJsonObject(item));
    return [
      startOf({ createdAtSeconds: countIn(object, 'created') }),
      ...pictures.flatMap((picture, block) => pictureEvents(picture, block, textIn(object, 'output_format'))),
      ...endingEvents(usageOf(object, pictures.length)),
    ];
  });

/** Pictures are billed by their tokens, where the provider counts those, or else by the piece. */
export function usageOf(object: JsonObject, images: number): Usage {
  const imageKind = imageKindOf(object);
  return mediaUsage(object, 'image') ?? { images, ...(imageKind !== undefined && { imageKind }) };
}

/** What comes after the last picture. */
export const endingEvents = (usage: Usage): readonly ChatEvent[] => [
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
  { type: 'usage', usage },
  { type: 'end' },
];

/** Ends the media type of a picture that is a draft of another one. */
export const DRAFT_MARK = ';draft=1';

/** One picture, as one block. */
export function pictureEvents(
  picture: JsonObject,
  block: number,
  format: string | undefined,
): readonly ChatEvent[] {
  const at = { choice: 0, block };
  const base64 = textIn(picture, 'b64_json');
  if (base64 === undefined)
    return [
      { type: 'text-start', ...at },
      { type: 'text-delta', ...at, text: textIn(picture, 'url') ?? '' },
      { type: 'block-end', ...at },
    ];
  return [
    { type: 'media-start', ...at, kind: 'image', mediaType: `image/${format ?? 'png'}` },
    { type: 'media-delta', ...at, base64 },
    { type: 'block-end', ...at },
  ];
}

/** The pictures of an answer, as it writes them. */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const usage = events.findLast((event) => event.type === 'usage')?.usage;
  const body = {
    created: envelope.createdAtSeconds,
    data: picturesOf(events),
    ...(usage?.completionTokens !== undefined && { usage: wireUsage(usage) }),
  };
  return editJson(JSON.stringify(body), costEdits(body, costOfEvents(events)));
}

/** The pictures of events, in their turn, without drafts of them. */
export function picturesOf(events: readonly ChatEvent[]): readonly JsonObject[] {
  const pictures = new Map<number, JsonObject>();
  const drafts = new Set(
    events.flatMap((event) =>
      event.type === 'media-start' && event.mediaType.endsWith(DRAFT_MARK) ? [event.block] : [],
    ),
  );
  for (const event of events) {
    if (event.type === 'text-delta') pictures.set(event.block, { url: event.text });
    if (event.type !== 'media-delta' || drafts.has(event.block)) continue;
    const before = pictures.get(event.block)?.['b64_json'];
    pictures.set(event.block, { b64_json: `${typeof before === 'string' ? before : ''}${event.base64}` });
  }
  return [...pictures.values()];
}

/** Usage in OpenAI's spelling for pictures. */
export function wireUsage(usage: Usage): JsonObject {
  const { promptTokens = 0, completionTokens = 0, promptImageTokens = 0 } = usage;
  return {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    input_tokens_details: { text_tokens: promptTokens - promptImageTokens, image_tokens: promptImageTokens },
  };
}

/** A whole answer names no model and has no id: only what it cost is added. */
export const patchAnswer = ({ raw = '', events }: Frame, _envelope: AnswerEnvelope): string =>
  editJson(raw, costEdits(parseJsonObject(raw) ?? {}, costOfEvents(events)));
