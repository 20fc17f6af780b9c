import fc from 'fast-check';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { optional, word } from '../small-arbitraries.ts';

/** Every request that a text completion can express. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = fc
  .record({
    model: word,
    prompt: fc.string(),
    stream: fc.boolean(),
    maxOutputTokens: optional(fc.nat()),
    temperature: optional(fc.double({ noNaN: true, min: 0.1, max: 2 })),
    topP: optional(fc.double({ noNaN: true, min: 0.1, max: 1 })),
    choices: optional(fc.integer({ min: 1, max: 128 })),
    stop: optional(fc.array(word, { minLength: 1, maxLength: 3 })),
    presencePenalty: optional(fc.integer({ min: 1, max: 2 })),
    frequencyPenalty: optional(fc.integer({ min: 1, max: 2 })),
    seed: optional(fc.integer()),
    endUser: optional(word),
    topLogprobs: optional(fc.integer({ min: 0, max: 5 })),
  })
  .map(({ prompt, ...fields }) =>
    // The same JSON without its undefined members is a request.
    JSON.parse(
      JSON.stringify({
        ...fields,
        logprobs: fields.topLogprobs === undefined ? undefined : true,
        messages: [{ role: 'user', content: prompt === '' ? [] : [{ type: 'text', text: prompt }] }],
        includeUsage: fields.stream,
        nativeOptions: {},
        unknownFields: [],
      }),
    ),
  );
