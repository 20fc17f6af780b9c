import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import type { ChatRequest } from '../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../domain/edit-json.ts';
import { type JsonObject, parseJsonObject } from '../domain/json.ts';
import type { Usage } from '../domain/money/usage.ts';
import { OWN_FIELDS } from '../domain/request-options.ts';
import type { Dialect } from './dialect.ts';
import { invalidAnswer } from './upstream-error.ts';

/** What the format of an operation beside chat has of its own. */
export type OperationFormat = Pick<
  Dialect,
  'id' | 'decodeRequest' | 'decodeAnswer' | 'encodeAnswer' | 'patchAnswer' | 'decodeError' | 'encodeError'
> &
  Partial<Dialect>;

/**
 * A format of an operation beside chat. Most of them know no streams and are spoken by callers and providers alike: where a
 * format says nothing else, its body is all its request says, its whole answer is the one chunk of a stream, and an error in
 * a stream is the error it is outside of one.
 */
export function operationDialect(format: OperationFormat): Dialect {
  const decodeStream: Dialect['decodeStream'] = async function* (bytes) {
    yield format.decodeAnswer(await textOf(bytes));
  };
  return {
    spellings: {},
    inexpressible: {},
    hints: new Set(),
    harmless: new Set(),
    encodeRequest: ({ nativeOptions }, { model }) => ({
      body: { ...nativeOptions, model },
      unsupported: [],
      omitted: [],
    }),
    patchRequest: (raw, _request, { model }) =>
      editJson(raw, [{ path: ['model'], text: JSON.stringify(model) }, ...WITHOUT_OWN_FIELDS]),
    decodeStream,
    createStreamEncoder(envelope) {
      const events: ChatEvent[] = [];
      return {
        encode(event) {
          events.push(event);
          return event.type === 'end' ? format.encodeAnswer(events, envelope) : '';
        },
      };
    },
    patchFrame: format.patchAnswer,
    keepAlive: '',
    streamContentType: 'application/json',
    streamEncoding: 'utf8',
    encodeStreamError: (error, envelope) => format.encodeError(error, envelope.id),
    ...format,
  };
}

/** Sluice's own options, taken out of a body. */
export const WITHOUT_OWN_FIELDS: readonly JsonEdit[] = OWN_FIELDS.map((name) => ({
  path: [name],
  text: undefined,
}));

/**
 * What a request says, told apart: options that the format knows, and fields that it does not.
 * @param known names of options
 */
export function membersOf(
  body: JsonObject,
  known: ReadonlySet<string>,
): Pick<ChatRequest, 'nativeOptions' | 'unknownFields'> {
  const own = Object.entries(ownMembers(body));
  return {
    nativeOptions: Object.fromEntries(own.filter(([name]) => known.has(name))),
    unknownFields: own.map(([name]) => name).filter((name) => !known.has(name)),
  };
}

/** The body's members but for the model and Sluice's own: what a request of the format is made of. */
export const ownMembers = (body: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'model' && !OWN_FIELDS.includes(name)));

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** What a whole answer says of itself. */
export interface AnswerHead {
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly createdAtSeconds?: number | undefined;
}

/** The events of an answer that is one text: what was asked for, in its format's own words. */
export const textAnswer = (
  head: AnswerHead,
  text: string,
  usage: Usage | undefined,
): readonly ChatEvent[] => [
  startOf(head),
  { type: 'text-start', choice: 0, block: 0 },
  { type: 'text-delta', choice: 0, block: 0, text },
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
  ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
  { type: 'end' },
];

export const startOf = ({ id, model, createdAtSeconds }: AnswerHead): ChatEvent => ({
  type: 'answer-start',
  upstreamId: id,
  upstreamModel: model,
  createdAtSeconds,
});

/** The text of an answer. */
export const textOfEvents = (events: readonly ChatEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

/** What an answer costs, as far as its events say. */
export const costOfEvents = (events: readonly ChatEvent[]) =>
  events.findLast((event) => event.type === 'usage')?.cost;

/** A JSON answer's frame; a body that is no object is an error. */
export function jsonFrame(body: string, read: (object: JsonObject) => readonly ChatEvent[]): Frame {
  const object = parseJsonObject(body);
  return {
    raw: body,
    events: object === undefined ? [invalidAnswer('The answer is no JSON object.')] : read(object),
  };
}
