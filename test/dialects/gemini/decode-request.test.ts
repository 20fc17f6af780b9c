import { describe, expect, test } from '@jest/globals';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type { ChatRequest, ContentPart } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';

const HELLO = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] };

const decode = (body: JsonObject): ChatRequest => gemini.decodeRequest(body, { model: 'm', stream: false });
const decodeParts = (parts: readonly Json[], role: string = 'user'): readonly ContentPart[] =>
  decode({ contents: [{ role, parts }] }).messages[0]?.content ?? [];
const decodeConfig = (generationConfig: JsonObject): ChatRequest => decode({ ...HELLO, generationConfig });

function refusalOf(body: JsonObject): GatewayError {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('The request was understood.');
}

describe('the address', () => {
  test('says model and stream, and the body nothing of them', () => {
    const request = gemini.decodeRequest({ ...HELLO, model: 'models/other' }, { model: 'm', stream: true });
    expect(request).toMatchObject({ model: 'm', stream: true, unknownFields: [] });
  });

  test('may leave the model to the body', () => {
    expect(gemini.decodeRequest({ ...HELLO, model: 'models/gemini-2.5-pro' }).model).toBe('gemini-2.5-pro');
    expect(gemini.decodeRequest({ ...HELLO, models: ['a/b'] }).model).toBe('a/b');
    expect(() => gemini.decodeRequest(HELLO)).toThrow(/model: expected a model's name/);
  });
});

describe('parts', () => {
  test('mean the same in both spellings', () => {
    const snake = decode({
      system_instruction: { parts: [{ text: 'a' }] },
      contents: [{ parts: [{ inline_data: { mime_type: 'image/png', data: 'aGk=' } }] }],
      generation_config: { max_output_tokens: 5, thinking_config: { thinking_budget: 7 } },
    });
    const camel = decode({
      systemInstruction: { parts: [{ text: 'a' }] },
      contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }] }],
      generationConfig: { maxOutputTokens: 5, thinkingConfig: { thinkingBudget: 7 } },
    });
    expect(snake).toEqual(camel);
    expect(snake).toMatchObject({ maxOutputTokens: 5, unknownFields: [], nativeOptions: {} });
  });

  test('in both spellings at once are refused, as Google may follow the other', () => {
    const error = refusalOf({
      ...HELLO,
      generationConfig: { maxOutputTokens: 1, max_output_tokens: 99_999 },
    });
    expect(error.param).toBe('generationConfig.max_output_tokens');
    expect(refusalOf({ ...HELLO, generationConfig: {}, generation_config: {} }).param).toBe(
      'generation_config',
    );
  });

  test.each([
    [
      { inlineData: { mimeType: 'audio/wav', data: 'aGk=' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'aGk=' } },
    ],
    [
      {
        fileData: { mimeType: 'image/png', fileUri: 'https://a.example/b.png' },
        mediaResolution: { level: 'MEDIA_RESOLUTION_HIGH' },
      },
      { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' }, detail: 'high' },
    ],
    [
      { fileData: { mimeType: 'application/pdf', fileUri: 'gs://bucket/a.pdf' } },
      { type: 'file', source: { type: 'provider-file', id: 'gs://bucket/a.pdf' } },
    ],
    [
      { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc' } },
      {
        type: 'file',
        source: { type: 'provider-file', id: 'https://generativelanguage.googleapis.com/v1beta/files/abc' },
      },
    ],
  ])('hold media: %j', (part, expected) => {
    expect(decodeParts([part])).toEqual([expected]);
  });

  test.each([
    ['inlineData', { inlineData: { mimeType: 'video/mp4', data: 'aGk=' } }],
    ['fileData', { fileData: { fileUri: 'https://www.youtube.com/watch?v=a' } }],
    [
      'fileData',
      { fileData: { mimeType: 'image/png', fileUri: 'https://a.example' }, videoMetadata: { fps: 1 } },
    ],
    ['executableCode', { executableCode: { language: 'PYTHON', code: '1' } }],
    ['codeExecutionResult', { codeExecutionResult: { outcome: 'OUTCOME_OK' } }],
    ['hologram', { hologram: {} }],
  ])('that only Google understands are kept as they are: %s', (name, value) => {
    expect(decodeParts([value])).toEqual([{ type: 'native', dialect: 'gemini', name, value }]);
  });

  test('keep signatures: of a thought and of a call in their place, of text behind it', () => {
    const parts = [
      { text: 'Hm', thought: true, thoughtSignature: 'a' },
      { text: 'Hi', thoughtSignature: 'b' },
      { functionCall: { name: 'f', args: {}, id: 'c1' }, thoughtSignature: 'c' },
    ];
    expect(decodeParts(parts, 'model')).toEqual([
      { type: 'reasoning', text: 'Hm', signature: 'a', dialect: 'gemini' },
      { type: 'text', text: 'Hi' },
      { type: 'reasoning-encrypted', data: 'b', dialect: 'gemini' },
      { type: 'tool-call', kind: 'function', id: 'c1', name: 'f', arguments: '{}', signature: 'c' },
    ]);
  });
});

describe('function calls without ids', () => {
  const call = (name: string, id?: string) => ({
    functionCall: { name, args: {}, ...(id !== undefined && { id }) },
  });
  const response = (name: string, id?: string) => ({
    functionResponse: { name, response: {}, ...(id !== undefined && { id }) },
  });

  test('are answered in order, name by name, beside calls that have ids', () => {
    const { messages } = decode({
      contents: [
        { role: 'model', parts: [call('a'), call('b'), call('a'), call('a', 'call_1')] },
        {
          role: 'user',
          parts: [response('b'), response('a'), response('a', 'call_1'), response('a'), response('c')],
        },
        { role: 'model', parts: [call('a')] },
        { role: 'function', parts: [response('a')] },
      ],
    });
    const ids = messages.map(({ content }) =>
      content.map((part) =>
        part.type === 'tool-call' ? part.id : part.type === 'tool-result' ? part.callId : '',
      ),
    );
    expect(ids).toEqual([
      ['call_0', 'call_2', 'call_3', 'call_1'],
      ['call_2', 'call_0', 'call_1', 'call_3', 'call_4'],
      ['call_5'],
      ['call_5'],
    ]);
  });

  test.each([
    [{ output: 'fine' }, 'fine', false],
    [{ output: { a: 1 } }, '{"a":1}', false],
    [{ error: 'broken' }, 'broken', true],
    [{ temperature: 5 }, '{"temperature":5}', false],
    [{ output: 'a', error: 'b' }, '{"output":"a","error":"b"}', false],
  ])('have results whose keys say how it went: %j', (given, text, isError) => {
    const [result] = decodeParts([{ functionResponse: { name: 'f', id: 'c', response: given } }]);
    expect(result).toEqual({ type: 'tool-result', callId: 'c', content: [{ type: 'text', text }], isError });
  });

  test('may have results with media', () => {
    const parts = [{ inlineData: { mimeType: 'image/png', data: 'aGk=' } }];
    const [result] = decodeParts([{ functionResponse: { name: 'f', id: 'c', response: {}, parts } }]);
    expect(result).toMatchObject({ content: [{ type: 'image', source: { data: 'aGk=' } }] });
  });
});

describe('tools', () => {
  test('are functions in JSON Schema, or Google’s own', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        city: { type: 'STRING', nullable: true, enum: ['a'], example: 'a' },
        list: { type: 'ARRAY', items: { type: 'INTEGER' }, minItems: '2' },
        any: { anyOf: [{ type: 'NUMBER' }], nullable: true },
      },
    };
    const tools = [
      {
        functionDeclarations: [
          { name: 'f', parameters },
          { name: 'g', parametersJsonSchema: { type: 'object' } },
        ],
        googleSearch: {},
      },
      { code_execution: {} },
      { computerUse: { environment: 'ENVIRONMENT_BROWSER' } },
    ];
    expect(decode({ ...HELLO, tools }).tools).toEqual([
      {
        type: 'function',
        name: 'f',
        parameters: {
          type: 'object',
          properties: {
            city: { type: ['string', 'null'], enum: ['a', null], examples: ['a'] },
            list: { type: 'array', items: { type: 'integer' }, minItems: 2 },
            any: { anyOf: [{ anyOf: [{ type: 'number' }] }, { type: 'null' }] },
          },
        },
      },
      { type: 'function', name: 'g', parameters: { type: 'object' } },
      { type: 'hosted', dialect: 'gemini', name: 'googleSearch', definition: { googleSearch: {} } },
      { type: 'hosted', dialect: 'gemini', name: 'codeExecution', definition: { code_execution: {} } },
      {
        type: 'hosted',
        dialect: 'gemini',
        name: 'computerUse',
        definition: { computerUse: { environment: 'ENVIRONMENT_BROWSER' } },
        runBy: 'caller',
      },
    ]);
  });

  test.each([
    [{ mode: 'AUTO' }, { type: 'auto' }, {}],
    [{ mode: 'NONE' }, { type: 'none' }, {}],
    [{ mode: 'ANY' }, { type: 'required' }, {}],
    [{ mode: 'ANY', allowedFunctionNames: ['f'] }, { type: 'tool', name: 'f' }, {}],
    [
      { mode: 'ANY', allowed_function_names: ['f', 'g'] },
      { type: 'required' },
      { 'toolConfig.allowedFunctionNames': ['f', 'g'] },
    ],
    [{ mode: 'VALIDATED' }, { type: 'auto' }, { 'toolConfig.mode': 'VALIDATED' }],
    [{ mode: 'MODE_UNSPECIFIED' }, undefined, {}],
  ])('are chosen by mode: %j', (functionCallingConfig, toolChoice, nativeOptions) => {
    const request = decode({ ...HELLO, toolConfig: { functionCallingConfig } });
    expect(request.toolChoice).toEqual(toolChoice);
    expect(request.nativeOptions).toEqual(nativeOptions);
  });
});

describe('generationConfig', () => {
  test.each([
    [{ thinkingBudget: 0 }, { enabled: false }],
    [{ thinkingBudget: -1 }, { enabled: true, adaptive: true }],
    [
      { thinkingBudget: 99, includeThoughts: true },
      { enabled: true, budgetTokens: 99 },
    ],
    [{ thinkingLevel: 'HIGH' }, { enabled: true, effort: 'high' }],
    [{ includeThoughts: true }, { enabled: true, adaptive: true }],
    [{ includeThoughts: false }, undefined],
    [{}, undefined],
  ])('says how much is thought: %j', (thinkingConfig, reasoning) => {
    expect(decodeConfig({ thinkingConfig }).reasoning).toEqual(reasoning);
  });

  test.each([
    [{ responseMimeType: 'application/json' }, { type: 'json' }],
    [{ responseMimeType: 'text/plain' }, { type: 'text' }],
    [
      { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT' } },
      { type: 'json-schema', name: 'response', schema: { type: 'object' } },
    ],
    [
      { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a'] } },
      { type: 'json-schema', name: 'response', schema: { type: 'string', enum: ['a'] } },
    ],
  ])('says what form the answer has: %j', (config, format) => {
    expect(decodeConfig(config).responseFormat).toEqual(format);
  });

  test('names what only Google has, and what is not known', () => {
    const request = decode({
      ...HELLO,
      cachedContent: 'cachedContents/a',
      safetySettings: [],
      newThing: 1,
      metadata: { team: 'a' },
      user: 'u',
      generationConfig: {
        responseModalities: ['TEXT', 'IMAGE'],
        speechConfig: {},
        imageConfig: {},
        newer: 2,
      },
    });
    expect(request.nativeOptions).toEqual({
      cached_content: 'cachedContents/a',
      safetySettings: [],
      modalities: ['text', 'image'],
      audio: {},
      'generationConfig.imageConfig': {},
    });
    expect(request.unknownFields).toEqual(['newThing', 'generationConfig.newer']);
    expect(request).toMatchObject({ metadata: { team: 'a' }, endUser: 'u' });
  });
});

describe('a wrong request', () => {
  test.each([
    [{}, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: 'Hello' }, 'contents'],
    [{ contents: [{ role: 'system', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ parts: [{}] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{ text: 5 }] }] }, 'contents[0].parts[0].text'],
    [{ contents: [{ role: 'user', parts: [{ functionCall: { name: 'f' } }] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ role: 'model', parts: [{ functionResponse: {} }] }] }, 'contents[0].parts[0]'],
    [
      { contents: [{ role: 'model', parts: [{ functionCall: { name: 'f', args: [] } }] }] },
      'contents[0].parts[0].functionCall.args',
    ],
    [{ ...HELLO, generationConfig: { temperature: '1' } }, 'generationConfig.temperature'],
    [{ ...HELLO, generation_config: { max_output_tokens: -1 } }, 'generation_config.max_output_tokens'],
    [{ ...HELLO, tools: {} }, 'tools'],
    [{ ...HELLO, tools: [{ functionDeclarations: [{ name: 1 }] }] }, 'tools[0].functionDeclarations[0].name'],
    [{ ...HELLO, systemInstruction: 'text' }, 'systemInstruction'],
  ])('is refused by name: %j', (body, param) => {
    const error = refusalOf(body);
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBe(param);
  });
});

describe('patchRequest', () => {
  const patched = (raw: string, maxOutputTokens?: number): string =>
    gemini.patchRequest(raw, decode(JSON.parse(raw)), { model: 'x', maxOutputTokens });

  test('takes out Sluice’s own fields and keeps every other byte', () => {
    const contents = '"contents": [ {"parts":[{"text":"\\u0041", "novel": 12345678901234567890}]} ]';
    const raw = `{"model":"m","models":["a"], ${contents},"metadata":{"a":"b"},"user":"u","provider":{}, "newThing":1}`;
    expect(patched(raw)).toBe(`{${contents}, "newThing":1}`);
  });

  test('sets the bound where the caller gave none, beside whatever the caller wrote', () => {
    expect(JSON.parse(patched('{"contents":[{"parts":[]}]}', 9))).toMatchObject({
      generationConfig: { maxOutputTokens: 9 },
    });
    expect(patched('{"contents":[{"parts":[]}],"generation_config":{"top_k":1}}', 9)).toBe(
      '{"contents":[{"parts":[]}],"generation_config":{"maxOutputTokens":9,"top_k":1}}',
    );
    const own = '{"contents":[{"parts":[]}],"generation_config":{"max_output_tokens":5}}';
    expect(patched(own, 5)).toBe(own);
  });
});
