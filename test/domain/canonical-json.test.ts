import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalMembers, canonicalText } from '../../lambda/domain/canonical-json.ts';
import type { Json, JsonObject } from '../../lambda/domain/json.ts';

const canonical = (text: string): string => canonicalText(canonicalMembers(text));

/** Any JSON object. */
const objects = fc
  .dictionary(fc.string(), fc.jsonValue())
  // What JSON can hold, written and read.
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

/** The same value with the members of every object in another order, in other words and with other white space. */
function rewritten(value: Json | undefined, random: () => number): string {
  const space = ['', ' ', '\n\t'][Math.floor(random() * 3)] ?? '';
  if (Array.isArray(value))
    return `[${space}${value.map((item: Json) => rewritten(item, random)).join(`${space},`)}]${space}`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `${rewritten(name, random)}${space}:${rewritten(member, random)}`,
    );
    members.sort(() => random() - 0.5);
    return `{${space}${members.join(`${space},`)}${space}}`;
  }
  if (typeof value === 'string' && random() < 0.5)
    return `"${[...value]
      .flatMap((char) => char.split(''))
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')}"`;
  return JSON.stringify(value);
}

const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
};

/** The same value with one of its scalars, names or lengths changed. */
function changed(value: Json, at: number): Json {
  if (Array.isArray(value)) {
    if (value.length === 0) return [0];
    const index = at % value.length;
    return value.with(index, changed(value[index], Math.floor(at / value.length)));
  }
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    const name = names[at % Math.max(1, names.length)];
    // Narrowing stops at readonly arrays; what is left is an object.
    const object = value as JsonObject;
    if (name === undefined) return { added: 1 };
    return { ...object, [name]: changed(object[name] ?? null, Math.floor(at / names.length)) };
  }
  if (typeof value === 'string') return `${value}.`;
  return typeof value === 'number' ? `${value}` : 0;
}

describe('the canonical text of a JSON object', () => {
  test('means the same', () => {
    fc.assert(
      fc.property(objects, (value) => expect(JSON.parse(canonical(JSON.stringify(value)))).toEqual(value)),
    );
  });

  test('is the same however its members are ordered and its texts are written', () => {
    fc.assert(
      fc.property(objects, fc.nat(), (value, seed) => {
        expect(canonical(rewritten(value, seeded(seed)))).toBe(canonical(JSON.stringify(value)));
      }),
    );
  });

  test('is another one as soon as any value, name or length is another', () => {
    fc.assert(
      fc.property(objects, fc.nat(), (value, at) => {
        expect(canonical(JSON.stringify(changed(value, at)))).not.toBe(canonical(JSON.stringify(value)));
      }),
    );
  });

  test('is another one when items of an array change places', () => {
    expect(canonical('{"a":[1,2]}')).not.toBe(canonical('{"a":[2,1]}'));
    expect(canonical('{"a":[[1],2]}')).not.toBe(canonical('{"a":[1,[2]]}'));
    expect(canonical('{"a":[]}')).not.toBe(canonical('{"a":[[]]}'));
  });

  test('keeps numbers that no double holds apart', () => {
    expect(canonical('{"seed":9007199254740993}')).not.toBe(canonical('{"seed":9007199254740992}'));
    expect(canonical('{"t":1e400}')).not.toBe(canonical('{"t":1e401}'));
  });

  test('keeps both values of a name that is given twice, in their order', () => {
    expect(canonical('{"a":{"x":1,"x":2}}')).not.toBe(canonical('{"a":{"x":2,"x":1}}'));
    expect(canonical('{"a":{"x":1,"x":2}}')).not.toBe(canonical('{"a":{"x":2}}'));
  });

  test('is made of a body that is nested as deep as it is long', () => {
    const depth = 1_000_000;
    const text = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(Buffer.byteLength(canonical(text))).toBe(text.length);
  });
});
