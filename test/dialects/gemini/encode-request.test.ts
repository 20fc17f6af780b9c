import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EncodedRequest } from '../../../lambda/dialects/dialect.ts';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type {
  ChatRequest,
  ContentPart,
  Message,
  ReasoningOptions,
  Tool,
} from '../../../lambda/domain/chat/request.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';

const user = (...content: readonly ContentPart[]): Message => ({ role: 'user', content });
const assistant = (...content: readonly ContentPart[]): Message => ({ role: 'assistant', content });
const text = (value: string): ContentPart => ({ type: 'text', text: value });
const call = (id: string, given: string = '{"a":1}'): ContentPart => ({
  type: 'tool-call',
  kind: 'function',
  id,
  name: `name_of_${id}`,
  arguments: given,
});

const REQUEST: ChatRequest = {
  model: 'm',
  messages: [user(text('Hello'))],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
};

const encode = (request: Partial<ChatRequest>, model: string = 'gemini-3-flash'): EncodedRequest =>
  gemini.encodeRequest({ ...REQUEST, ...request }, { model, maxOutputTokens: request.maxOutputTokens });
const contentsOf = (messages: readonly Message[], model?: string): unknown =>
  encode({ messages }, model).body['contents'];

describe('a conversation', () => {
  test('alternates between user and model, and gathers instructions from anywhere', () => {
    const { body } = encode({
      messages: [
        { role: 'system', content: [text('one')] },
        user(text('a')),
        { role: 'developer', content: [text('two')] },
        user(text('b'), text('')),
        assistant(text('c')),
        assistant({ type: 'refusal', text: 'd' }),
      ],
    });
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'one' }, { text: 'two' }] },
      contents: [
        { role: 'user', parts: [{ text: 'a' }, { text: 'b' }] },
        { role: 'model', parts: [{ text: 'c' }, { text: 'd' }] },
      ],
    });
  });

  test('of nothing but instructions is what the user says', () => {
    expect(encode({ messages: [{ role: 'system', content: [text('one')] }] }).body).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'one' }] }],
    });
  });

  test('begun elsewhere goes on: ids and names match, results stand first, proofs of others are left out', () => {
    const messages = [
      assistant(
        { type: 'reasoning', text: 'Hm', signature: 'theirs', dialect: 'anthropic-messages' },
        { type: 'reasoning-encrypted', data: 'theirs', dialect: 'openai-responses' },
        call('toolu_1'),
        call('toolu_2', ''),
      ),
      user(
        { type: 'tool-result', callId: 'toolu_2', content: [text('x'), text('y')], isError: true },
        text('And?'),
        { type: 'tool-result', callId: 'toolu_1', content: [], isError: false },
      ),
    ];
    const { body, unsupported, omitted } = encode({ messages });
    expect(unsupported).toEqual([]);
    expect(omitted).toEqual([{ feature: 'reasoning_content' }]);
    expect(body['contents']).toEqual([
      {
        role: 'model',
        parts: [
          {
            functionCall: { id: 'toolu_1', name: 'name_of_toolu_1', args: { a: 1 } },
            thoughtSignature: 'skip_thought_signature_validator',
          },
          { functionCall: { id: 'toolu_2', name: 'name_of_toolu_2', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'toolu_2', name: 'name_of_toolu_2', response: { error: 'x\ny' } } },
          { functionResponse: { id: 'toolu_1', name: 'name_of_toolu_1', response: { output: '' } } },
          { text: 'And?' },
        ],
      },
    ]);
  });

  test('needs no stand-in for a signature where one is there, or before the third generation', () => {
    const signed = { ...call('c'), signature: 'own' } as ContentPart;
    expect(contentsOf([assistant(signed)])).toMatchObject([{ parts: [{ thoughtSignature: 'own' }] }]);
    expect(contentsOf([assistant(call('c'))], 'gemini-2.5-pro')).toEqual([
      { role: 'model', parts: [{ functionCall: { id: 'c', name: 'name_of_c', args: { a: 1 } } }] },
    ]);
  });

  test('shows media of a tool’s result in it, and behind it to older models', () => {
    const image: ContentPart = {
      type: 'image',
      source: { type: 'base64', mediaType: 'image/png', data: 'aGk=' },
    };
    const messages = [user({ type: 'tool-result', callId: 'c', content: [image], isError: false })];
    const inlineData = { mimeType: 'image/png', data: 'aGk=' };
    expect(contentsOf(messages)).toMatchObject([
      { parts: [{ functionResponse: { parts: [{ inlineData }] } }] },
    ]);
    expect(contentsOf(messages, 'gemini-2.5-flash')).toMatchObject([
      { parts: [{ functionResponse: {} }, { inlineData }] },
    ]);
  });

  test.each([
    ['image', 'https://a.example/b.webp?c', 'image/webp'],
    ['image', 'https://a.example/b', 'image/jpeg'],
    ['file', 'https://a.example/b.md', 'text/markdown'],
    ['file', 'https://a.example/b.png', 'application/pdf'],
    ['audio', 'https://a.example/b.flac', 'audio/flac'],
  ] as const)('has the media type of an address: %s %s', (type, url, mimeType) => {
    expect(contentsOf([user({ type, source: { type: 'url', url } })])).toEqual([
      { role: 'user', parts: [{ fileData: { mimeType, fileUri: url } }] },
    ]);
  });

  test('holds data addresses as bytes', () => {
    const source = { type: 'url', url: 'data:image/PNG;charset=x;base64,aGk=' } as const;
    expect(contentsOf([user({ type: 'image', source })])).toEqual([
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }] },
    ]);
  });
});

describe('reasoning', () => {
  const config = (reasoning: ReasoningOptions, model: string): unknown => {
    const { body, unsupported, omitted } = encode({ reasoning }, model);
    const names = [...unsupported, ...omitted].map(({ feature }) => feature);
    const thinkingConfig = (body['generationConfig'] as JsonObject | undefined)?.['thinkingConfig'];
    return names.length > 0 ? [thinkingConfig, ...names] : thinkingConfig;
  };

  test.each([
    [{ effort: 'low' }, 'gemini-3-flash', { includeThoughts: true, thinkingLevel: 'LOW' }],
    [{ effort: 'minimal' }, 'gemini-3-flash', { includeThoughts: true, thinkingLevel: 'MINIMAL' }],
    [{ effort: 'minimal' }, 'gemini-3.1-pro-preview', { includeThoughts: true, thinkingLevel: 'LOW' }],
    [{ effort: 'xhigh' }, 'gemini-3.1-pro-preview', { includeThoughts: true, thinkingLevel: 'HIGH' }],
    [{ budgetTokens: 5000 }, 'gemini-3.5-flash', { includeThoughts: true, thinkingLevel: 'MEDIUM' }],
    [{ enabled: true, adaptive: true }, 'gemini-3-flash', { includeThoughts: true }],
    [{ enabled: false }, 'gemini-3-flash', { thinkingLevel: 'MINIMAL' }],
    [{ enabled: false }, 'gemini-3.1-pro', [{ thinkingLevel: 'LOW' }, 'reasoning']],
    [{ effort: 'low' }, 'gemini-2.5-flash', { includeThoughts: true, thinkingBudget: 1024 }],
    [{ effort: 'high' }, 'gemini-2.5-pro', { includeThoughts: true, thinkingBudget: 24_576 }],
    [{ budgetTokens: 99_999 }, 'gemini-2.5-pro', { includeThoughts: true, thinkingBudget: 32_768 }],
    [{ budgetTokens: 7 }, 'gemini-2.5-flash-lite', { includeThoughts: true, thinkingBudget: 512 }],
    [{ adaptive: true }, 'gemini-2.5-pro', { includeThoughts: true, thinkingBudget: -1 }],
    [{ effort: 'none' }, 'gemini-2.5-flash', { thinkingBudget: 0 }],
    [{ effort: 'none' }, 'gemini-2.5-pro', [{ thinkingBudget: 128 }, 'reasoning']],
    [{ effort: 'none' }, 'gemini-2.0-flash', undefined],
    [{ effort: 'high' }, 'gemini-2.0-flash', [undefined, 'reasoning']],
    [{ effort: 'constructor' }, 'gemini-3-flash', [undefined, 'reasoning']],
    [{ effort: 'high' }, 'gemini-pro-latest', { includeThoughts: true, thinkingLevel: 'HIGH' }],
  ])('%j of %s', (reasoning, model, expected) => {
    expect(config(reasoning, model)).toEqual(expected);
  });
});

describe('schemas', () => {
  const schemaOf = (
    parameters: JsonObject,
    strict?: true,
  ): readonly [unknown, readonly (string | undefined)[]] => {
    const tool: Tool = { type: 'function', name: 'f', parameters, ...(strict && { strict }) };
    const { body, unsupported, omitted } = encode({ tools: [tool] });
    const [entry] = body['tools'] as readonly { readonly functionDeclarations: readonly JsonObject[] }[];
    const details = [...(strict ? unsupported : omitted)].map(({ detail }) => detail);
    return [entry?.functionDeclarations[0]?.['parametersJsonSchema'], details];
  };

  test.each<readonly [JsonObject, JsonObject]>([
    [{ const: 'a' }, { type: 'string', enum: ['a'] }],
    [
      { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 },
      { type: 'integer', minimum: 1, maximum: 9 },
    ],
    [
      { type: ['string', 'null'], enum: ['a', null] },
      { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] },
    ],
    [
      {
        definitions: { a: { type: 'string', default: 'x' } },
        properties: { b: { $ref: '#/definitions/a', description: 'c' } },
      },
      { properties: { b: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
    ],
    [
      {
        allOf: [
          { type: 'object', properties: { a: {} }, required: ['a'] },
          { properties: { b: {} }, required: ['b'] },
        ],
      },
      { type: 'object', properties: { a: {}, b: {} }, required: ['a', 'b'] },
    ],
    [
      { $schema: 'x', type: 'object', additionalProperties: false, title: 't' },
      { type: 'object', additionalProperties: false, title: 't' },
    ],
    [
      { properties: { pattern: { type: 'string' }, default: {} } },
      { properties: { pattern: { type: 'string' }, default: {} } },
    ],
  ])('%j are said so that Google follows them', (schema, expected) => {
    expect(schemaOf(schema)).toEqual([expected, []]);
  });

  test('name each keyword that Google does not follow, and refuse it where it must be', () => {
    const schema = {
      type: 'object',
      properties: {
        a: { type: 'string', pattern: '^a' },
        b: { not: {} },
        c: { const: true },
        d: { enum: [true] },
      },
    };
    const left = { type: 'object', properties: { a: { type: 'string' }, b: {}, c: {}, d: {} } };
    const details = ['f: pattern', 'f: not', 'f: const', 'f: enum'];
    expect(schemaOf(schema)).toEqual([left, details]);
    expect(schemaOf(schema, true)).toEqual([left, details]);
  });

  test('keep conflicting parts apart, and say so', () => {
    expect(schemaOf({ allOf: [{ type: 'string' }, { type: 'number' }] })).toEqual([{}, ['f: allOf']]);
  });

  test('of an answer stand beside tools only for models of the third generation', () => {
    const asked = {
      tools: [{ type: 'function', name: 'f' }] as const,
      responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } } as const,
    };
    expect(encode(asked).body['generationConfig']).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object' },
    });
    expect(encode(asked, 'gemini-2.5-pro').unsupported).toEqual([{ feature: 'json_schema' }]);
  });
});

describe('tools', () => {
  test('that are strict are validated', () => {
    const tools = [{ type: 'function', name: 'f', strict: true }] as const;
    const modeOf = (request: Partial<ChatRequest>): Json | undefined =>
      encode({ tools, ...request }).body['toolConfig'];
    expect(modeOf({})).toEqual({ functionCallingConfig: { mode: 'VALIDATED' } });
    expect(modeOf({ toolChoice: { type: 'required' } })).toEqual({ functionCallingConfig: { mode: 'ANY' } });
    expect(modeOf({ toolChoice: { type: 'tool', name: 'f' } })).toEqual({
      functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] },
    });
  });
});

describe('what cannot be said', () => {
  const EVERYTHING: Partial<ChatRequest> = {
    messages: [
      {
        role: 'system',
        content: [
          { type: 'image', source: { type: 'url', url: 'https://a.example' } },
          { type: 'file', source: { type: 'url', url: 'https://a.example' } },
          { type: 'audio', source: { type: 'url', url: 'https://a.example' } },
        ],
      },
      {
        role: 'user',
        name: 'Ann',
        content: [
          { type: 'text', text: 'a', cacheHint: { type: 'ephemeral' } },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AA==' }, detail: 'low' },
          { type: 'image', source: { type: 'provider-file', id: 'file-1' } },
          { type: 'image', source: { type: 'url', url: 'ftp://a.example' } },
          { type: 'file', source: { type: 'url', url: 'ftp://a.example' } },
          { type: 'audio', source: { type: 'url', url: 'ftp://a.example' } },
          { type: 'native', dialect: 'openai-chat', name: 'x', value: {} },
        ],
      },
      assistant({ type: 'reasoning', text: 'a' }, call('c', '[1]')),
    ],
    tools: [
      { type: 'function', name: '1st', strict: true, parameters: { not: {} } },
      { type: 'function', name: 'f', strict: true, parameters: { not: {} } },
      { type: 'custom', name: 'c' },
      { type: 'hosted', dialect: 'openai-chat', name: 'h', definition: {} },
    ],
    parallelToolCalls: false,
    stop: ['1', '2', '3', '4', '5', '6'],
    seed: 2 ** 40,
    choices: 9,
    logitBias: { a: 1 },
    responseFormat: { type: 'json-schema', name: 'n', schema: { not: {} }, strict: true },
    reasoning: { effort: 'odd' },
    verbosity: 'low',
    serviceTier: 'scale',
    endUser: 'u',
  };

  test('is named, and has its reason', () => {
    const all = [
      encode(EVERYTHING),
      encode({ ...EVERYTHING, responseFormat: { type: 'json' } }, 'gemini-2.5-pro'),
    ];
    const named = new Set(
      all.flatMap(({ unsupported, omitted }) => [...unsupported, ...omitted].map(({ feature }) => feature)),
    );
    expect([...named].sort()).toEqual(Object.keys(gemini.inexpressible).sort());
  });

  test('is nesting beyond any use', () => {
    const deep = (name: string): string => `${`{"${name}":`.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const { body, unsupported, omitted } = encode({
      messages: [assistant(call('c', deep('a')))],
      tools: [{ type: 'function', name: 'f', parameters: JSON.parse(deep('items')) }],
      responseFormat: { type: 'json-schema', name: 'n', schema: JSON.parse(deep('items')), strict: true },
    });
    expect(JSON.stringify(body)).toContain('functionCall');
    expect(unsupported).toEqual([
      { feature: 'json_schema', detail: 'nesting' },
      { feature: 'tool_arguments' },
    ]);
    expect(omitted).toEqual([{ feature: 'tool_schema', detail: 'f: nesting' }]);
  });

  test('does not depend on the names in a request', () => {
    fc.assert(
      fc.property(fc.constantFrom('constructor', '__proto__', 'toString'), (name) => {
        const { body } = encode({
          messages: [assistant({ ...call(name), name } as ContentPart)],
          tools: [{ type: 'function', name, parameters: { properties: { [name]: { type: 'string' } } } }],
          serviceTier: 'auto',
        });
        expect(JSON.stringify(body)).toContain(name);
      }),
    );
  });
});
