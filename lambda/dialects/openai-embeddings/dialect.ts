import type { ChatRequest } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Dialect } from '../dialect.ts';
import { Given } from '../given.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { membersOf, operationDialect } from '../operation-dialect.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './answer.ts';

/** What the format and those who speak it know; none of it changes what a text costs. */
const OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'input',
    'user',
    'encoding_format',
    'dimensions',
    'embedding_type',
    'input_type',
    'late_chunking',
    'normalized',
    'output_dimension',
    'output_dtype',
    'task',
    'truncate',
    'truncation',
  ],
]);

/**
 * OpenAI's embeddings, as everyone compatible speaks them.
 * @see https://platform.openai.com/docs/api-reference/embeddings/create
 */
export const openaiEmbeddings: Dialect = operationDialect({
  id: 'openai-embeddings',
  harmless: OPTIONS,
  decodeRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeError,
  encodeError,
});

/** Texts are what is read; lists of tokens are counted by their bytes, of which each token has two or more. */
function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const endUser = given.member('user').optionalString();
  given.member('encoding_format').optionalString();
  given.member('dimensions').optionalInteger(1);
  return {
    model: given.member('model').string(),
    messages: inputsOf(given.member('input')).map((content) => ({ role: 'user', content })),
    stream: false,
    includeUsage: true,
    maxOutputTokens: 0,
    work: { units: {} },
    ...membersOf(body, OPTIONS),
    ...(endUser !== undefined && { endUser }),
  };
}

type Contents = ChatRequest['messages'][number]['content'];

function inputsOf(input: Given): readonly Contents[] {
  if (typeof input.value === 'string') return [text(input.value)];
  if (isTokens(input.value)) return [[]];
  const list = input.optionalList() ?? input.refuse('a text, a list of texts or a list of tokens');
  if (list.length === 0) return input.refuse('a text, a list of texts or a list of tokens');
  return list.map(contentOf);
}

/** Looked at as they stand: there can be millions of them. */
const isTokens = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((token) => typeof token === 'number');

const text = (value: string): Contents => [{ type: 'text', text: value }];

function contentOf(item: Given): Contents {
  if (typeof item.value === 'string') return text(item.value);
  if (isTokens(item.value)) return [];
  // Providers that embed pictures take objects, whose size in tokens is theirs to know.
  return [{ type: 'native', dialect: 'openai-embeddings', name: 'input', value: item.object() }];
}
