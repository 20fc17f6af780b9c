import fc from 'fast-check';
import type { JsonObject } from '../../lambda/domain/json.ts';

/*
 * What the arbitraries of requests and answers are made of.
 */

export const word = fc.string({ minLength: 1, maxLength: 12 });

/** The name of a model that samples as it is told: OpenAI's that reason do not. */
export const modelName = word.filter((text) => !/^o\d/.test(text));

/** Text that is not blank. */
export const filled = word.filter((text) => text.trim() !== '');

/** A name or an id that every format takes. */
export const identifier = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);

export const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** Records without the members that are undefined. */
export const record = <Fields extends object>(
  model: {
    [Name in keyof Fields]: fc.Arbitrary<Fields[Name]>;
  },
) =>
  // Dropping undefined members gives what exactOptionalPropertyTypes asks for.
  fc.record(model).map((fields) => JSON.parse(JSON.stringify(fields)));

/** An object as JSON has it: no undefined, no negative zero. */
export const jsonObject = fc
  .dictionary(identifier, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)));

export const cacheHint = fc.constantFrom<JsonObject>({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' });

/** A picture, in its own bytes or by its address. */
export const imageSource = fc.oneof(
  fc.record({ type: fc.constant('base64'), mediaType: fc.constant('image/png'), data: fc.base64String() }),
  fc.record({ type: fc.constant('url'), url: fc.webUrl() }),
);
