import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import { sampleOf } from '../../../lambda/providers/simulation/schema-sample.ts';

describe('a sample of a JSON schema', () => {
  test.each<readonly [JsonObject, Json]>([
    [{ type: 'string' }, 'Lisbon weather'],
    [{ type: 'string', enum: ['celsius', 'kelvin'] }, 'celsius'],
    [{ const: 7 }, 7],
    [{ type: 'string', maxLength: 3 }, 'Lis'],
    [{ type: 'string', minLength: 16 }, 'Lisbon weatherxx'],
    [{ type: 'string', format: 'date' }, '2026-01-31'],
    [{ type: 'integer' }, 1],
    [{ type: 'integer', minimum: 10, maximum: 12 }, 10],
    [{ type: 'integer', exclusiveMinimum: 10 }, 11],
    [{ type: 'integer', minimum: 10, multipleOf: 4 }, 12],
    [{ type: 'integer', maximum: 0 }, 0],
    [{ type: 'number' }, 0.5],
    [{ type: 'boolean' }, true],
    [{ type: ['null', 'boolean'] }, true],
    [{ type: 'null' }, null],
    [{ type: 'array', items: { type: 'integer' }, minItems: 2 }, [1, 1]],
    [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, 1],
    [{ properties: { a: { type: 'integer' }, b: { type: 'integer' } }, required: ['b'] }, { b: 1 }],
    [{ type: 'object', properties: { a: { type: 'integer' } } }, { a: 1 }],
    [{ $ref: '#/$defs/x', $defs: { x: { type: 'boolean' } } }, true],
    [
      {
        allOf: [
          { properties: { a: { type: 'integer' } }, required: ['a'] },
          { properties: { b: { type: 'null' } }, required: ['b'] },
        ],
      },
      { a: 1, b: null },
    ],
    [{}, 'Lisbon weather'],
  ])('%j is %j', (schema, expected) => {
    expect(sampleOf(schema, ['Lisbon', 'weather'])).toEqual(expected);
  });

  test('ends for a schema that refers to itself', () => {
    const schema = { type: 'object', properties: { child: { $ref: '#' } }, required: ['child'] };
    expect(JSON.stringify(sampleOf(schema, []))).toMatch(/^\{"child":/);
  });
});
