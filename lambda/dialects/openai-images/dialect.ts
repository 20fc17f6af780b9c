import type { ChatRequest } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { eventStreamError, patchEventFrame } from '../answer-stream.ts';
import type { Dialect } from '../dialect.ts';
import { Given } from '../given.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { imageKindOf } from '../openai-media-usage.ts';
import { membersOf, operationDialect } from '../operation-dialect.ts';
import { SSE_STREAM } from '../sse.ts';
import { decodeAnswer, encodeAnswer, patchAnswer } from './answer.ts';
import { createStreamEncoder, decodeStream } from './stream.ts';

/** What the format knows. Size, quality and drafts are reserved for; nothing else changes what a picture costs. */
const OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'prompt',
    'n',
    'size',
    'quality',
    'stream',
    'partial_images',
    'background',
    'moderation',
    'output_compression',
    'output_format',
    'response_format',
    'style',
    'user',
  ],
]);

/**
 * Pictures made of a text, whole or with drafts of them in a stream.
 * @see https://platform.openai.com/docs/api-reference/images/create
 */
export const openaiImages: Dialect = operationDialect({
  id: 'openai-images',
  harmless: OPTIONS,
  decodeRequest,
  decodeAnswer,
  encodeAnswer,
  patchAnswer,
  decodeStream,
  createStreamEncoder,
  patchFrame: patchEventFrame,
  ...SSE_STREAM,
  encodeStreamError: eventStreamError,
  decodeError,
  encodeError,
});

const MOST_IMAGES = 10;
const MOST_DRAFTS = 3;
/** @see https://platform.openai.com/docs/guides/image-generation#partial-images-cost */
const TOKENS_A_DRAFT = 100;

function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const images = given.member('n').optionalInteger(1, MOST_IMAGES) ?? 1;
  const drafts = given.member('partial_images').optionalInteger(0, MOST_DRAFTS) ?? 0;
  const endUser = given.member('user').optionalString();
  given.member('size').optionalString();
  given.member('quality').optionalString();
  const imageKind = imageKindOf(body);
  return {
    model: given.member('model').string(),
    messages: [{ role: 'user', content: [{ type: 'text', text: given.member('prompt').string() }] }],
    stream: given.member('stream').optionalBoolean() ?? false,
    includeUsage: true,
    ...(drafts > 0 && { maxOutputTokens: drafts * TOKENS_A_DRAFT * images }),
    work: { units: { images, ...(imageKind !== undefined && { imageKind }) } },
    ...membersOf(body, OPTIONS),
    ...(endUser !== undefined && { endUser }),
  };
}
