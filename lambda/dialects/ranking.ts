import type { ChatEvent } from '../domain/chat/event.ts';
import type { ChatRequest, RerankWork } from '../domain/chat/request.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../domain/json.ts';
import type { EncodedRequest, RequestTarget } from './dialect.ts';
import { Given } from './given.ts';
import { defined } from './loose.ts';
import { membersOf, textOfEvents } from './operation-dialect.ts';

/** How well a document answers the query. */
export interface RankedDocument {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly score: number;
  /** The document once more, where it was asked for. */
  readonly document?: Json;
}

const MOST_DOCUMENTS = 10_000;

/**
 * Reads what both formats know. @param mostResultsField how the format spells it
 * @throws GatewayError `invalid_request`
 */
function readWork(body: JsonObject, mostResultsField: string): RerankWork {
  const given = new Given(body, '');
  const documents = given.member('documents').list();
  if (documents.length === 0 || documents.length > MOST_DOCUMENTS)
    given.member('documents').refuse(`1 to ${MOST_DOCUMENTS} documents`);
  const mostResults = given.member(mostResultsField).optionalInteger(1);
  const returnsDocuments = given.member('return_documents').optionalBoolean();
  return {
    query: given.member('query').string(),
    documents: documents.map(documentOf),
    ...(mostResults !== undefined && { mostResults }),
    ...(returnsDocuments !== undefined && { returnsDocuments }),
  };
}

function documentOf(given: Given): Json {
  if (typeof given.value === 'string') return given.value;
  const object = given.optionalJsonObject();
  return object ?? given.refuse('a text or an object');
}

/** A rerank for a provider. Documents are texts there. */
export function encodeRerank(
  { work, nativeOptions }: ChatRequest,
  { model }: RequestTarget,
  mostResultsField: string,
): EncodedRequest {
  const { query = '', documents = [], mostResults, returnsDocuments } = work?.rerank ?? {};
  const body = defined({
    ...nativeOptions,
    model,
    query,
    documents: documents.map(documentText),
    [mostResultsField]: mostResults,
    return_documents: returnsDocuments,
  });
  return { body, unsupported: [], omitted: [] };
}

/** The text of a document, which in an object is its `text`, or else all of its members. */
function documentText(document: Json): string {
  if (typeof document === 'string') return document;
  const text = isJsonObject(document) ? document['text'] : undefined;
  return typeof text === 'string' ? text : JSON.stringify(document);
}

/**
 * A search unit is one query with up to a hundred documents; a document longer than 500 tokens, the query's with it, counts as
 * several.
 * @see https://cohere.com/pricing
 */
const DOCUMENTS_A_UNIT = 100;
const TOKENS_A_CHUNK = 500;
/**
 * What is left of a chunk beside the query at least: models whose window is that small cut a query at 256 tokens.
 * @see https://docs.cohere.com/docs/reranking-best-practices
 */
const LEAST_TOKENS_A_CHUNK = 250;

/**
 * Reads a request. What it may be billed by: text has at most one token a byte; each document is read together with the query, as
 * Voyage and Jina count.
 * @see https://docs.voyageai.com/docs/reranker
 * @param mostResultsField how the format spells the number of results
 * @throws GatewayError `invalid_request`
 */
export function decodeRerank(body: JsonObject, mostResultsField: string): ChatRequest {
  const model = new Given(body, '').member('model').string();
  const rerank = readWork(body, mostResultsField);
  const texts = rerank.documents.map(documentText);
  // Which members of an object are read, its provider decides.
  const bytes = rerank.documents.map((document) =>
    Buffer.byteLength(typeof document === 'string' ? document : JSON.stringify(document)),
  );
  const queryBytes = Buffer.byteLength(rerank.query);
  const chunkTokens = Math.max(LEAST_TOKENS_A_CHUNK, TOKENS_A_CHUNK - queryBytes);
  const chunks = bytes.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / chunkTokens)), 0);
  const tokensADocument = queryBytes + FRAMING_TOKENS;
  return {
    model,
    messages: [
      textMessage(rerank.query),
      ...rerank.documents.map((document, index) =>
        mayHoldMedia(document) ? mediaMessage(document) : textMessage(texts[index] ?? ''),
      ),
    ],
    stream: false,
    includeUsage: true,
    maxOutputTokens: 0,
    work: {
      rerank,
      units: { searchUnits: Math.ceil(chunks / DOCUMENTS_A_UNIT) },
      likelyUnits: { searchUnits: Math.ceil(texts.length / DOCUMENTS_A_UNIT) },
      promptTokens: bytes.reduce((sum, length) => sum + length + tokensADocument, queryBytes),
    },
    ...membersOf(withoutRead(body, mostResultsField), RANKING_OPTIONS),
  };
}

type RankedMessage = ChatRequest['messages'][number];

const textMessage = (text: string): RankedMessage => ({ role: 'user', content: [{ type: 'text', text }] });

/** Some rank pictures, whose size in tokens is theirs to know. @see https://jina.ai/reranker */
const mediaMessage = (value: Json): RankedMessage => ({
  role: 'user',
  content: [{ type: 'native', dialect: 'cohere-rerank', name: 'document with media', value }],
});

const mayHoldMedia = (document: Json): boolean =>
  isJsonObject(document) && Object.keys(document).some((name) => IS_MEDIA.test(name));

const IS_MEDIA = /image|img|audio|video|file|pdf|url|uri/i;

const withoutRead = (body: JsonObject, mostResultsField: string): JsonObject => {
  const read = new Set(['query', 'documents', 'return_documents', mostResultsField]);
  return Object.fromEntries(Object.entries(body).filter(([name]) => !read.has(name)));
};

/** What the formats know beside that: documents are reserved for as long as they are, however much of them is read. */
export const RANKING_OPTIONS: ReadonlySet<string> = new Set([
  ...['max_chunks_per_doc', 'max_tokens_per_doc', 'priority', 'truncate', 'truncation'],
]);

/** What a model adds around a query and its document. */
const FRAMING_TOKENS = 16;

/** A ranking as the text of an answer: best first. */
export const rankingText = (ranking: readonly RankedDocument[]): string => JSON.stringify(ranking);

/** The ranking of an answer's events. */
export function rankingOf(events: readonly ChatEvent[]): readonly RankedDocument[] {
  const list = parseJson(textOfEvents(events));
  // The text was written by `rankingText`.
  return Array.isArray(list) ? (list as unknown as readonly RankedDocument[]) : [];
}

/** Reads a list of results, in which a document may stand beside its score; `undefined` where it is none. */
export function readResults(list: Json | undefined): readonly RankedDocument[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const results = list.map(readResult);
  const ranking = results.filter((result) => result !== undefined);
  return ranking.length === results.length ? ranking : undefined;
}

function readResult(item: Json): RankedDocument | undefined {
  if (!isJsonObject(item)) return undefined;
  const { index, relevance_score: score, document } = item;
  if (typeof index !== 'number' || typeof score !== 'number') return undefined;
  return { index, score, ...(document !== undefined && document !== null && { document }) };
}
