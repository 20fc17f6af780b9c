import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { ChatRequest, ContentPart } from '../../domain/chat/request.ts';
import { editJson } from '../../domain/edit-json.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope, Dialect } from '../dialect.ts';
import { Given } from '../given.ts';
import { countIn, objectIn, textIn } from '../loose.ts';
import { decodeError, encodeError, missingAnswer } from '../openai-errors.ts';
import { costEdits } from '../openai-usage.ts';
import {
  costOfEvents,
  jsonFrame,
  membersOf,
  operationDialect,
  textAnswer,
  textOfEvents,
} from '../operation-dialect.ts';

/** What the format knows. */
const OPTIONS: ReadonlySet<string> = new Set([...['input']]);

/**
 * Whether texts and pictures break a provider's rules.
 * @see https://platform.openai.com/docs/api-reference/moderations/create
 */
export const openaiModerations: Dialect = operationDialect({
  id: 'openai-moderations',
  harmless: OPTIONS,
  decodeRequest,
  decodeAnswer,
  encodeAnswer: (events, envelope) => patchAnswer({ raw: textOfEvents(events), events }, envelope),
  patchAnswer,
  decodeError,
  encodeError,
});

/** What OpenAI takes where a request names no model. */
const DEFAULT_MODEL = 'omni-moderation-latest';

function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  return {
    model: given.member('model').optionalString() ?? DEFAULT_MODEL,
    messages: [{ role: 'user', content: inputsOf(given.member('input')) }],
    stream: false,
    includeUsage: true,
    maxOutputTokens: 0,
    work: { units: {} },
    ...membersOf(body, OPTIONS),
  };
}

function inputsOf(input: Given): readonly ContentPart[] {
  if (typeof input.value === 'string') return [{ type: 'text', text: input.value }];
  const list = input.optionalList() ?? input.refuse('a text, or a list of texts or parts');
  return list.length === 0 ? input.refuse('a text, or a list of texts or parts') : list.map(partOf);
}

function partOf(item: Given): ContentPart {
  if (typeof item.value === 'string') return { type: 'text', text: item.value };
  item.object();
  if (item.member('type').string() === 'text') return { type: 'text', text: item.member('text').string() };
  const url = item.member('image_url').member('url').string();
  const [, mediaType, data] = /^data:([^;,]*);base64,(.*)$/s.exec(url) ?? [];
  const source =
    mediaType === undefined || data === undefined
      ? ({ type: 'url', url } as const)
      : ({ type: 'base64', mediaType, data } as const);
  return { type: 'image', source };
}

/** Most providers report no usage: moderation is free, or paid by what was sent. */
function decodeAnswer(body: string): Frame {
  return jsonFrame(body, (object): readonly ChatEvent[] => {
    if (Array.isArray(object['results'])) {
      const promptTokens = countIn(objectIn(object, 'usage'), 'prompt_tokens');
      const usage = promptTokens === undefined ? undefined : { promptTokens, completionTokens: 0 };
      return textAnswer({ id: textIn(object, 'id'), model: textIn(object, 'model') }, body, usage);
    }
    return [missingAnswer(object, 'results')];
  });
}

function patchAnswer({ raw = '', events }: Frame, envelope: AnswerEnvelope): string {
  return editJson(raw, [
    { path: ['id'], text: JSON.stringify(envelope.id), ifPresent: true },
    { path: ['model'], text: JSON.stringify(envelope.model) },
    ...costEdits(parseJsonObject(raw) ?? {}, costOfEvents(events)),
  ]);
}
