import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { editJson, elementTexts, type JsonEdit, memberText } from '../../lambda/domain/edit-json.ts';
import { isJsonObject, type JsonObject, parseJson, parseJsonObject } from '../../lambda/domain/json.ts';

const set = (path: readonly string[], text: string): JsonEdit => ({ path, text });
const remove = (...path: readonly string[]): JsonEdit => ({ path, text: undefined });

describe('editJson on examples', () => {
  test.each<[string, string, readonly JsonEdit[], string]>([
    ['replaces a value', '{"a":1,"b":2}', [set(['b'], '"x"')], '{"a":1,"b":"x"}'],
    ['adds a member in front', '{"a":1}', [set(['b'], '2')], '{"b":2,"a":1}'],
    ['adds to an empty object', '{ }', [set(['a'], '1'), set(['b'], '2')], '{"a":1,"b":2 }'],
    ['removes the first', '{"a":1, "b":2}', [remove('a')], '{"b":2}'],
    ['removes one in the middle', '{"a":1, "b":2 , "c":3}', [remove('b')], '{"a":1 , "c":3}'],
    ['removes the last', '{"a":1 , "b":2}', [remove('b')], '{"a":1}'],
    ['removes first and last', '{"a":1,"b":2,"c":3}', [remove('a'), remove('c')], '{"b":2}'],
    ['removes the first two', '{"a":1,"b":2,"c":3}', [remove('b'), remove('a')], '{"c":3}'],
    ['removes all', '{ "a":1, "b":2 }', [remove('a'), remove('b')], '{ }'],
    ['removes all and adds one', '{"a":1,"b":2}', [remove('a'), remove('b'), set(['c'], '3')], '{"c":3}'],
    ['removes the first and adds one', '{"a":1,"b":2}', [remove('a'), set(['c'], '3')], '{"c":3,"b":2}'],
    ['edits within a member', '{"a":{"x":1,"y":2}}', [set(['a', 'y'], '3')], '{"a":{"x":1,"y":3}}'],
    [
      'removes and adds within a member',
      '{"a":{"x":1}}',
      [remove('a', 'x'), set(['a', 'y'], '3')],
      '{"a":{"y":3}}',
    ],
    [
      'edits within an item of an array',
      '{"a":[ {"x":1} , {"x":2}, [3] ]}',
      [set(['a', '1', 'x'], '4'), set(['a', '2', '0'], '5')],
      '{"a":[ {"x":1} , {"x":4}, [5] ]}',
    ],
    [
      'neither adds nor removes items',
      '{"a":[1,2]}',
      [set(['a', '2'], '3'), set(['a', '01'], '3'), remove('a', '0')],
      '{"a":[1,2]}',
    ],
    [
      'leaves alone what has no such parent',
      '{"a":[{"x":1}]}',
      [set(['a', 'x'], '2'), remove('b', 'c')],
      '{"a":[{"x":1}]}',
    ],
    ['leaves out what must be present', '{"a":1}', [{ path: ['b'], text: '2', ifPresent: true }], '{"a":1}'],
    ['replaces what must be present', '{"b":1}', [{ path: ['b'], text: '2', ifPresent: true }], '{"b":2}'],
    [
      'edits each of two members with one name',
      '{"a":1,"b":0,"a":2}',
      [set(['a'], '3')],
      '{"a":3,"b":0,"a":3}',
    ],
    ['removes each of two members with one name', '{"a":1,"b":0,"a":2}', [remove('a')], '{"b":0}'],
    [
      'knows a name by its escapes',
      String.raw`{"mo\u0064el":"a","\"":1}`,
      [set(['model'], '"b"'), remove('"')],
      String.raw`{"mo\u0064el":"b"}`,
    ],
    [
      'is not misled by what stands in strings',
      String.raw`{"s":"\\\"},{[","a":1}`,
      [set(['a'], '2')],
      String.raw`{"s":"\\\"},{[","a":2}`,
    ],
    [
      'edits a member named like a prototype',
      '{"__proto__":1,"constructor":2}',
      [set(['__proto__'], '3'), remove('constructor')],
      '{"__proto__":3}',
    ],
    ['changes nothing without edits', ' {"a" : 1.0e+2 } ', [], ' {"a" : 1.0e+2 } '],
  ])('%s', (_name, text, edits, expected) => {
    expect(editJson(text, edits)).toBe(expected);
  });

  test('keeps numbers beyond 2^53, escapes, order and white space as they were', () => {
    const text = String.raw`{ "z" : 12345678901234567890, "e":"\u00e9\/", "n":1.10, "model":"m",	"a":-0.0}`;
    expect(editJson(text, [set(['model'], '"x"')])).toBe(text.replace('"m"', '"x"'));
  });

  test('removes very many members', () => {
    const members = Array.from({ length: 150_000 }, (_, index) => `"m${index}":${index}`);
    const text = `{${members.map((member) => `"drop":1,${member}`).join(',')}}`;
    expect(editJson(text, [remove('drop')])).toBe(`{${members.join(',')}}`);
  });
});

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '0', '1', '__proto__', 'é"\\', ''),
  fc.string({ maxLength: 4 }),
);
const value = fc.jsonValue({ maxDepth: 2, noUnicodeString: false });
const space = fc.array(fc.constantFrom('', ' ', '\n', '\t', '\r\n  '), { minLength: 1, maxLength: 12 });

/** JSON text of a value with the given white space between its tokens, taken in turn. */
function spelled(input: unknown, spaces: readonly string[]): string {
  let at = 0;
  const gap = (): string => spaces[at++ % spaces.length] ?? '';
  const spell = (part: unknown): string => {
    if (Array.isArray(part)) return `[${gap()}${part.map((item) => spell(item) + gap()).join(`,${gap()}`)}]`;
    if (!isJsonObject(part)) return JSON.stringify(part);
    const members = Object.keys(part).map(
      (key) => `${JSON.stringify(key)}${gap()}:${gap()}${spell(part[key])}${gap()}`,
    );
    return `{${gap()}${members.join(`,${gap()}`)}}`;
  };
  return gap() + spell(input) + gap();
}

/** The same edits on the parsed value, one after the other. */
const editedValue = (input: unknown, edits: readonly JsonEdit[]): unknown =>
  edits.reduce(
    (value, edit) =>
      Array.isArray(value)
        ? editedItems(value, edit)
        : isJsonObject(value)
          ? editedObject(value, edit)
          : value,
    input,
  );

const editedItems = (items: readonly unknown[], { path: [first, ...rest], ...edit }: JsonEdit): unknown[] =>
  items.map((item, index) => {
    if (String(index) !== first) return item;
    if (rest.length > 0) return editedValue(item, [{ ...edit, path: rest }]);
    return edit.text === undefined ? item : JSON.parse(edit.text);
  });

/** Built of entries throughout, so that `__proto__` stays a member. */
function editedObject(object: JsonObject, edit: JsonEdit): object {
  const [first = '', ...rest] = edit.path;
  const members = Object.entries(object);
  if (rest.length > 0)
    return Object.fromEntries(
      members.map(([key, inner]) => [
        key,
        key === first ? editedValue(inner, [{ ...edit, path: rest }]) : inner,
      ]),
    );
  const others = members.filter(([key]) => key !== first);
  const isNew = others.length === members.length;
  if (edit.text === undefined) return Object.fromEntries(others);
  return isNew && edit.ifPresent === true
    ? object
    : Object.fromEntries([...others, [first, JSON.parse(edit.text)]]);
}

/** A value with its members in order of name, so that values can be compared whatever their order. */
const sorted = (input: unknown): unknown => {
  if (Array.isArray(input)) return input.map(sorted);
  if (!isJsonObject(input)) return Object.is(input, -0) ? 0 : input;
  return [
    'object',
    ...Object.keys(input)
      .sort()
      .map((key) => [key, sorted(input[key])]),
  ];
};

const object = fc.dictionary(name, fc.oneof(value, fc.dictionary(name, value, { maxKeys: 4 })), {
  maxKeys: 6,
});

/** Edits of different places, none of them within another. */
const editsOf = (input: Readonly<Record<string, unknown>>): fc.Arbitrary<JsonEdit[]> => {
  const present = Object.keys(input);
  const anyName = present.length > 0 ? fc.oneof(fc.constantFrom(...present), name) : name;
  const inner = present.flatMap((key) => {
    const member = input[key];
    return isJsonObject(member) ? Object.keys(member) : [];
  });
  const innerName = inner.length > 0 ? fc.oneof(fc.constantFrom(...inner), name) : name;
  const path = fc.oneof(fc.tuple(anyName), fc.tuple(anyName, innerName));
  const text = fc.option(
    value.map((replacement) => JSON.stringify(replacement)),
    { nil: undefined },
  );
  return fc
    .uniqueArray(fc.record({ path, text, ifPresent: fc.boolean() }), {
      maxLength: 6,
      selector: ({ path: [first, second] }) => JSON.stringify([first, second]),
    })
    .map((edits) =>
      edits.filter(({ path: [first, second] }) =>
        second === undefined
          ? true
          : !edits.some(({ path: other }) => other.length === 1 && other[0] === first),
      ),
    );
};

describe('editJson on any object', () => {
  const edited = object.chain((input) =>
    fc.record({ input: fc.constant(input), edits: editsOf(input), spaces: space }),
  );

  test('means the same as editing the parsed value', async () => {
    await fc.assert(
      fc.property(edited, ({ input, edits, spaces }) => {
        const text = spelled(input, spaces);
        const result: unknown = JSON.parse(editJson(text, edits));
        expect(sorted(result)).toEqual(sorted(editedValue(JSON.parse(text), edits)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('leaves every byte beside a replaced value as it was', async () => {
    await fc.assert(
      fc.property(object, fc.object(), space, name, (before, after, spaces, key) => {
        fc.pre(!(key in before));
        const inside = (text: string): string => text.trim().slice(1, -1);
        const head = inside(spelled(before, spaces));
        const tail = inside(spelled(fcJson(after, key), spaces));
        const parts = [head, `${JSON.stringify(key)} : OLD`, tail].filter((part) => part.trim() !== '');
        const text = `{${parts.join(',')}}`;
        expect(editJson(text.replace('OLD', '[1,{}]'), [set([key], '"new"')])).toBe(
          text.replace('OLD', '"new"'),
        );
      }),
    );
  });
});

/** Some object as JSON holds it, without the member `key`. */
function fcJson(input: unknown, key: string): unknown {
  const parsed: unknown = JSON.parse(JSON.stringify(input));
  return isJsonObject(parsed)
    ? Object.fromEntries(Object.entries(parsed).filter(([member]) => member !== key))
    : {};
}

describe('names written with escapes', () => {
  test('are read as what they name, whatever was parsed before', () => {
    // Each pair makes Node 24.21's own JSON.parse give the value to a backslash.
    for (const [before, text, name] of [
      ['{"model":"m","\\\\":1}', '{"model":"m","\\u006e":128}', 'n'],
      ['{"fresh1":1,"\\\\":1}', '{"fresh1":1,"max\\u005ftokens":30000}', 'max_tokens'],
    ] as const) {
      parseJson(before);
      expect(Object.keys(parseJsonObject(text) ?? {})).toContain(name);
    }
  });

  test('do not change what text reads as, at any depth', async () => {
    const escapeAll = (text: string): string =>
      text.replaceAll(/[a-z]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
    await fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify({ value });
        // Only strings hold letters, but for the three words of JSON.
        const escaped = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, (string) =>
          string.includes('\\') ? string : escapeAll(string),
        );
        expect(parseJson(escaped)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('memberText and elementTexts', () => {
  test('give values as they are written', () => {
    const text = ' { "a" : [ 1.10 , "x,]" ,{"b":[2]} ] , "c":null }';
    expect(memberText(text, 'a')).toBe('[ 1.10 , "x,]" ,{"b":[2]} ]');
    expect(elementTexts(memberText(text, 'a') ?? '')).toEqual(['1.10', '"x,]"', '{"b":[2]}']);
    expect(memberText(text, 'c')).toBe('null');
    expect(memberText(text, 'b')).toBeUndefined();
  });

  test('give nothing of what is none', () => {
    expect(memberText('[1]', 'a')).toBeUndefined();
    expect(elementTexts('{"a":1}')).toBeUndefined();
    expect(elementTexts('[]')).toEqual([]);
  });

  test('give of any array the values it holds', () => {
    const property = fc.property(
      fc.array(fc.jsonValue()),
      fc.constantFrom(undefined, 1),
      (values, indent) => {
        const text = JSON.stringify(values, null, indent);
        expect(elementTexts(text)?.map((element) => JSON.parse(element))).toEqual(JSON.parse(text));
      },
    );
    fc.assert(property);
  });
});
