import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../lambda/domain/json.ts';

const word = fc.string({ minLength: 1 });
const words = fc.array(word, { minLength: 1, maxLength: 4 });
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const document = fc.oneof(word, fc.record({ text: word, title: word }));
const rerank = (mostResults: string) =>
  fc.record(
    {
      model: word,
      query: word,
      documents: fc.array(document, { minLength: 1, maxLength: 5 }),
      [mostResults]: fc.integer({ min: 1, max: 9 }),
      return_documents: fc.boolean(),
    },
    { requiredKeys: ['model', 'query', 'documents'] },
  );
const file = fc.record({ file_name: word, content_type: option(word), bytes: word });
const conversation = fc.record({
  model: word,
  messages: fc.array(fc.record({ role: fc.constant('user'), content: word }), { minLength: 1, maxLength: 3 }),
});
const turn = fc.record({
  role: fc.constant('user'),
  parts: fc.array(fc.record({ text: word }), { minLength: 1 }),
});

/** Requests that each format can express, by its id. */
export const requestBodies: Readonly<Record<string, fc.Arbitrary<object>>> = {
  'openai-embeddings': fc.record(
    {
      model: word,
      input: fc.oneof(
        word,
        words,
        fc.array(fc.nat(), { minLength: 1 }),
        fc.array(fc.array(fc.nat(), { minLength: 1 }), { minLength: 1 }),
      ),
      encoding_format: fc.constantFrom('float', 'base64'),
      dimensions: fc.integer({ min: 1, max: 4_096 }),
      user: word,
    },
    { requiredKeys: ['model', 'input'] },
  ),
  'cohere-rerank': rerank('top_n'),
  'voyage-rerank': rerank('top_k'),
  'anthropic-count-tokens': conversation,
  'gemini-count-tokens': fc.record({ contents: fc.array(turn, { minLength: 1, maxLength: 3 }) }),
  'openai-moderations': fc.record({ model: word, input: fc.oneof(word, words) }),
  'openai-images': fc.record(
    {
      model: word,
      prompt: word,
      n: fc.integer({ min: 1, max: 10 }),
      size: fc.constantFrom('auto', '1024x1024'),
      quality: fc.constantFrom('auto', 'high'),
      stream: fc.boolean(),
      partial_images: fc.integer({ min: 0, max: 3 }),
    },
    { requiredKeys: ['model', 'prompt'] },
  ),
  'openai-speech': fc.record(
    { model: word, input: word, voice: word, instructions: word, speed: fc.double({ min: 0.25, max: 4 }) },
    { requiredKeys: ['model', 'input', 'voice'] },
  ),
  'openai-transcriptions': fc.record(
    { model: word, file, prompt: word, stream: fc.constantFrom('true', 'false') },
    { requiredKeys: ['model', 'file'] },
  ),
};

const anything = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const NAMES = [
  'model',
  'input',
  'query',
  'documents',
  'messages',
  'contents',
  'prompt',
  'file',
  'n',
  'size',
  'stream',
  'system',
  'tools',
  'top_n',
  'user',
  'generateContentRequest',
];
/** Any member may be anything; what some formats ask for is often there. */
export const hostileBody: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom(...NAMES),
  fc.oneof(anything, fc.constant('text')),
  {
    maxKeys: 8,
  },
);

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const PICTURE = event({
  type: 'image_generation.completed',
  b64_json: 'AAAA',
  usage: { input_tokens: 1, output_tokens: 2 },
  odd: 1,
});
/** A stream of pictures, one of speech and one of a transcript. */
export const OPERATION_STREAMS: readonly string[] = [
  `: comment\n\n${event({ type: 'image_generation.partial_image', b64_json: 'AA' })}${event({ type: 'unknown' })}${PICTURE}${PICTURE}`,
  event({ type: 'speech.audio.delta', audio: 'AAAA' }) +
    event({ type: 'speech.audio.done', usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } }),
  event({ type: 'transcript.text.delta', delta: 'Hël' }) +
    event({ type: 'transcript.text.delta', delta: 'lo' }) +
    event({
      type: 'transcript.text.done',
      text: 'Hëllo',
      usage: { type: 'tokens', input_tokens: 1, output_tokens: 2 },
    }),
];
