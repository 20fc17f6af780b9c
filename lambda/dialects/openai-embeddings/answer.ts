import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { countIn, objectIn, textIn } from '../loose.ts';
import { missingAnswer } from '../openai-errors.ts';
import { costEdits } from '../openai-usage.ts';
import { costOfEvents, jsonFrame, textAnswer, textOfEvents } from '../operation-dialect.ts';

/** Vectors stay in the answer's own text: it is the one block of what is said. */
export const decodeAnswer = (body: string): Frame =>
  jsonFrame(body, (object) => {
    if (Array.isArray(object['data']))
      return textAnswer({ id: textIn(object, 'id'), model: textIn(object, 'model') }, body, usageOf(object));
    return [missingAnswer(object, 'embeddings')];
  });

export const encodeAnswer = (events: readonly ChatEvent[], envelope: AnswerEnvelope): string =>
  patchAnswer({ raw: textOfEvents(events), events }, envelope);

/** The model's name and the cost are set; vectors change only where the provider wrote them in another form than was asked for. */
export function patchAnswer({ raw = '', events }: Frame, envelope: AnswerEnvelope): string {
  const body = parseJsonObject(raw) ?? {};
  return editJson(raw, [
    { path: ['model'], text: JSON.stringify(envelope.model) },
    ...costEdits(body, costOfEvents(events)),
    ...vectorEdits(body, envelope.request?.nativeOptions['encoding_format']),
  ]);
}

/** Voyage reports `total_tokens` alone. @see https://docs.voyageai.com/reference/embeddings-api */
function usageOf(object: JsonObject): Usage | undefined {
  const usage = objectIn(object, 'usage');
  const promptTokens = countIn(usage, 'prompt_tokens') ?? countIn(usage, 'total_tokens');
  return promptTokens === undefined ? undefined : { promptTokens, completionTokens: 0 };
}

/**
 * OpenAI's SDKs ask for base64 unless told otherwise, and decode it; not every compatible server gives it. The other way
 * round, what is in base64 and was asked for as numbers is made numbers.
 */
function vectorEdits({ data }: JsonObject, asked: Json | undefined): readonly JsonEdit[] {
  if (!Array.isArray(data)) return [];
  const convert = asked === 'base64' ? base64OfNumbers : asked === 'float' ? numbersOfBase64 : undefined;
  if (convert === undefined) return [];
  const converted = data.map((item: Json) => {
    const vector = isJsonObject(item) ? convert(item['embedding']) : undefined;
    return vector === undefined || !isJsonObject(item) ? item : { ...item, embedding: vector };
  });
  const isSame = converted.every((item, index) => item === data[index]);
  return isSame ? [] : [{ path: ['data'], text: JSON.stringify(converted) }];
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const BYTES_A_NUMBER = 4;

/** 32-bit floats, the least significant byte first. @returns `undefined` for what is no list of numbers */
function base64OfNumbers(vector: Json | undefined): string | undefined {
  if (!Array.isArray(vector) || !vector.every(isNumber)) return undefined;
  const bytes = Buffer.alloc(vector.length * BYTES_A_NUMBER);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_A_NUMBER);
  return bytes.toString('base64');
}

function numbersOfBase64(vector: Json | undefined): readonly number[] | undefined {
  if (typeof vector !== 'string') return undefined;
  const bytes = Buffer.from(vector, 'base64');
  const count = Math.floor(bytes.length / BYTES_A_NUMBER);
  const numbers = Array.from({ length: count }, (_, index) => bytes.readFloatLE(index * BYTES_A_NUMBER));
  return numbers.every(Number.isFinite) ? numbers : undefined;
}
