import { describe, expect, test } from '@jest/globals';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import type { LeftOutFeature } from '../../../lambda/dialects/request-feature.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const CLAUDE = 'us.anthropic.claude-sonnet-4-6';
const BUDGET_CLAUDE = 'anthropic.claude-sonnet-4-20250514-v1:0';
const NOVA_2 = 'us.amazon.nova-2-lite-v1:0';
const GPT = 'openai.gpt-oss-120b-1:0';
const LLAMA = 'meta.llama3-1-70b-instruct-v1:0';
const USER: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] };

const request = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'm',
  messages: [USER],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
  ...more,
});

interface WireBlock {
  readonly toolUse?: { readonly toolUseId: string; readonly name: string };
  readonly toolResult?: { readonly toolUseId: string };
  readonly document?: { readonly name: string };
}

/** What is written, as far as it is read below. */
interface WireBody {
  readonly system?: unknown;
  readonly messages: readonly { readonly role: string; readonly content: readonly WireBlock[] }[];
  readonly toolConfig?: { readonly tools: readonly { readonly toolSpec: { readonly name: string } }[] };
  readonly inferenceConfig?: unknown;
  readonly additionalModelRequestFields?: unknown;
  readonly outputConfig?: unknown;
  readonly serviceTier?: unknown;
}

interface Encoded {
  readonly body: WireBody;
  readonly unsupported: readonly LeftOutFeature[];
  readonly omitted: readonly LeftOutFeature[];
}

function encode(
  more: Partial<ChatRequest>,
  model: string = CLAUDE,
  maxOutputTokens: number | undefined = 5000,
): Encoded {
  const encoded = bedrockConverse.encodeRequest(request(more), { model, maxOutputTokens });
  return { ...encoded, body: JSON.parse(JSON.stringify(encoded.body)) };
}

/** The blocks of one turn. */
const blocksOf = ({ body }: Encoded, turn: number = 0): readonly WireBlock[] =>
  body.messages[turn]?.content ?? [];

const said = (parts: readonly ContentPart[], model = CLAUDE): Encoded =>
  encode({ messages: [{ role: 'user', content: parts }] }, model);

const features = (leftOut: readonly LeftOutFeature[]): readonly string[] =>
  leftOut.map(({ feature }) => feature);

const decode = (body: JsonObject): ChatRequest => bedrockConverse.decodeRequest(body, { model: 'm' });

describe('a caller’s request', () => {
  test('names its model in the address, and whether the answer is streamed', () => {
    const body = { messages: [{ role: 'user', content: [{ text: 'a' }] }] };
    expect(bedrockConverse.decodeRequest(body, { model: 'p/m', stream: true })).toMatchObject({
      model: 'p/m',
      stream: true,
    });
    expect(() => bedrockConverse.decodeRequest(body)).toThrow('modelId: expected the name of a model');
    expect(bedrockConverse.decodeRequest({ ...body, models: ['a/b', 'c/d'] }).model).toBe('a/b');
  });

  test.each<[string, JsonObject, string]>([
    ['messages that are no array', { messages: 'a' }, 'messages'],
    ['no messages', {}, 'messages'],
    ['an unknown role', { messages: [{ role: 'tool', content: [] }] }, 'messages[0].role'],
    ['an empty block', { messages: [{ role: 'user', content: [{}] }] }, 'messages[0].content[0]'],
    [
      'text that is none',
      { messages: [{ role: 'user', content: [{ text: 1 }] }] },
      'messages[0].content[0].text',
    ],
    [
      'a picture without a format',
      { messages: [{ role: 'user', content: [{ image: { source: { bytes: '' } } }] }] },
      'messages[0].content[0].image.format',
    ],
    ['a bound of nothing', { messages: [], inferenceConfig: { maxTokens: 0 } }, 'inferenceConfig.maxTokens'],
    [
      'a schema that is no JSON',
      {
        messages: [],
        outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{' } } } },
      },
      'outputConfig.textFormat.structure.jsonSchema.schema',
    ],
    ['labels that are no text', { messages: [], requestMetadata: { a: 1 } }, 'requestMetadata.a'],
  ])('is refused by name for %s', (_name, body, param) => {
    expect.assertions(2);
    try {
      decode(body);
    } catch (error) {
      expect(error).toBeInstanceOf(GatewayError);
      expect(error).toMatchObject({ code: 'invalid_request', param });
    }
  });

  test('keeps what only this format can say, and names what nobody knows', () => {
    const decoded = decode({
      messages: [
        {
          role: 'user',
          content: [
            { video: { format: 'mp4', source: { s3Location: { uri: 's3://b/v.mp4' } } } },
            { image: { format: 'png', source: { s3Location: { uri: 's3://b/i', bucketOwner: '1' } } } },
            { hologram: { depth: 3 } },
          ],
        },
      ],
      guardrailConfig: { guardrailIdentifier: 'g' },
      additionalModelResponseFieldPaths: ['/stop_sequence'],
      hyperdrive: true,
    });
    expect(
      decoded.messages[0]?.content.map((part) => (part.type === 'native' ? part.name : part.type)),
    ).toEqual(['video', 'image', 'hologram']);
    expect(decoded.nativeOptions).toEqual({
      guardrailConfig: { guardrailIdentifier: 'g' },
      additionalModelResponseFieldPaths: ['/stop_sequence'],
    });
    expect(decoded.unknownFields).toEqual(['hyperdrive']);
  });

  test.each<[JsonObject, unknown]>([
    [{ thinking: { type: 'enabled', budget_tokens: 2000 } }, { enabled: true, budgetTokens: 2000 }],
    [
      { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } },
      { enabled: true, adaptive: true, effort: 'max' },
    ],
    [{ reasoning_config: { type: 'enabled', budget_tokens: 1024 } }, { enabled: true, budgetTokens: 1024 }],
    [{ reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } }, { enabled: true, effort: 'low' }],
    [{ reasoning_effort: 'high' }, { enabled: true, effort: 'high' }],
  ])('says how much to think in its maker’s words: %j', (additionalModelRequestFields, reasoning) => {
    const decoded = decode({ messages: [], additionalModelRequestFields });
    expect(decoded.reasoning).toEqual(reasoning);
    expect(decoded.nativeOptions).toEqual({});
  });

  test('keeps a model’s own fields that no other format has', () => {
    const decoded = decode({
      messages: [],
      additionalModelRequestFields: { top_k: 3, thinking: 'hard', anthropic_beta: ['x'] },
    });
    expect(decoded.topK).toBe(3);
    expect(decoded.nativeOptions).toEqual({
      additionalModelRequestFields: { thinking: 'hard', anthropic_beta: ['x'] },
    });
  });

  test('may hold Sluice’s own options, of which none reaches a provider', () => {
    const body = {
      messages: [],
      user: 'u',
      metadata: { team: 'red', site: 'a' },
      requestMetadata: { site: 'b' },
      session_id: 's',
    };
    const decoded = decode(body);
    expect(decoded).toMatchObject({ endUser: 'u', metadata: { team: 'red', site: 'b' }, unknownFields: [] });
    const target = { model: CLAUDE, maxOutputTokens: undefined };
    expect(JSON.parse(bedrockConverse.patchRequest(JSON.stringify(body), decoded, target))).toEqual({
      messages: [],
      requestMetadata: { site: 'b' },
    });
  });

  test('may hold an earlier answer with its sources', () => {
    const { messages } = decode({
      messages: [
        {
          role: 'assistant',
          content: [{ citationsContent: { content: [{ text: 'a' }, { text: 'b' }], citations: [{}] } }],
        },
      ],
    });
    expect(messages[0]?.content).toEqual([{ type: 'text', text: 'ab' }]);
  });
});

describe('a conversation of another dialect', () => {
  test('has its system turns in front, and turns that alternate', () => {
    const { body } = encode({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'A' }] },
        USER,
        { role: 'developer', content: [{ type: 'text', text: 'B' }] },
        USER,
        { role: 'assistant', content: [{ type: 'text', text: ' ' }] },
        USER,
      ],
    });
    expect(body.system).toEqual([{ text: 'A' }, { text: 'B' }]);
    expect(body.messages).toEqual([
      { role: 'user', content: [{ text: 'Hello' }, { text: 'Hello' }, { text: 'Hello' }] },
    ]);
  });

  test('begins with the user, also where an answer comes first', () => {
    const { body } = encode({
      messages: [{ role: 'assistant', content: [{ type: 'text', text: 'Hi!' }] }, USER],
    });
    expect(body.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  });

  test('has the pictures and files of data addresses in their own bytes, and objects of S3 by their place', () => {
    const { body, unsupported } = said([
      { type: 'image', source: { type: 'url', url: 'data:image/jpg;base64,AAAA' } },
      { type: 'image', source: { type: 'url', url: 's3://bucket/a.PNG' } },
      {
        type: 'file',
        source: { type: 'url', url: 'data:text/csv;charset=utf-8;base64,BBBB' },
        name: 'a/b.csv',
      },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/x-wav', data: 'CCCC' } },
    ]);
    expect(unsupported).toEqual([]);
    expect(body.messages[0]?.content).toEqual([
      { image: { format: 'jpeg', source: { bytes: 'AAAA' } } },
      { image: { format: 'png', source: { s3Location: { uri: 's3://bucket/a.PNG' } } } },
      { document: { format: 'csv', source: { bytes: 'BBBB' }, name: 'a-b-csv' } },
      { audio: { format: 'wav', source: { bytes: 'CCCC' } } },
    ]);
  });

  test.each<[string, ContentPart]>([
    ['image_url', { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } }],
    ['image', { type: 'image', source: { type: 'base64', mediaType: 'image/bmp', data: '' } }],
    ['file_url', { type: 'file', source: { type: 'url', url: 'https://example.org/a.pdf' } }],
    ['file', { type: 'file', source: { type: 'base64', mediaType: 'application/zip', data: '' } }],
    ['audio', { type: 'audio', source: { type: 'base64', mediaType: 'audio/midi', data: '' } }],
    ['provider_file', { type: 'file', source: { type: 'provider-file', id: 'file-1' } }],
    ['native_content', { type: 'native', dialect: 'gemini', name: 'video', value: {} }],
    [
      'tool_result_media',
      {
        type: 'tool-result',
        callId: 'a',
        isError: false,
        content: [{ type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } }],
      },
    ],
    ['tool_arguments', { type: 'tool-call', kind: 'function', id: 'a', name: 'b', arguments: '[1]' }],
  ])('is refused for %s', (feature, part) => {
    expect(features(said([part]).unsupported)).toEqual([feature]);
  });

  test('gives no two documents one name, and names what has none', () => {
    const file = (name?: string): ContentPart => ({
      type: 'file',
      source: { type: 'base64', mediaType: 'application/pdf', data: '' },
      ...(name !== undefined && { name }),
    });
    const encoded = said([file('a.pdf'), file('a.pdf'), file(), file('  ü  '), file('x'.repeat(300))]);
    const names = blocksOf(encoded).map((block) => block.document?.name);
    expect(names).toEqual(['a-pdf', 'a-pdf (2)', 'document', '-', 'x'.repeat(192)]);
  });

  test('keeps calls and results together where their ids are foreign', () => {
    const ids = ['call_1', 'functions.f:0', 'functions_f:0', 'x'.repeat(100), `${'x'.repeat(100)}y`];
    const { body } = encode({
      messages: [
        USER,
        {
          role: 'assistant',
          content: ids.map((id) => ({ type: 'tool-call', kind: 'function', id, name: 'f', arguments: '{}' })),
        },
        {
          role: 'user',
          content: ids.map((callId) => ({ type: 'tool-result', callId, content: [], isError: false })),
        },
      ],
    });
    const calls = body.messages[1]?.content.map((block) => block.toolUse?.toolUseId) ?? [];
    const results = body.messages[2]?.content.map((block) => block.toolResult?.toolUseId) ?? [];
    expect(calls).toEqual(results);
    expect(calls[0]).toBe('call_1');
    expect(new Set(calls).size).toBe(ids.length);
    for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  test('leaves out reasoning that another provider signed, and says so', () => {
    const parts: readonly ContentPart[] = [
      { type: 'reasoning', text: 'a', signature: 's', dialect: 'anthropic-messages' },
      { type: 'reasoning-encrypted', data: 'b', dialect: 'openai-responses' },
      { type: 'reasoning', text: 'c', signature: 'own', dialect: 'bedrock-converse' },
    ];
    const { body, omitted, unsupported } = said(parts);
    expect(body.messages[0]?.content).toEqual([
      { reasoningContent: { reasoningText: { text: 'c', signature: 'own' } } },
    ]);
    expect(features(omitted)).toEqual(['reasoning_content']);
    expect(unsupported).toEqual([]);
    expect(said(parts, GPT).body.messages).toEqual([]);
  });

  test('marks a failed tool, or says it where it cannot be marked', () => {
    const failed: ContentPart = {
      type: 'tool-result',
      callId: 'a',
      isError: true,
      content: [{ type: 'text', text: 'no' }],
    };
    expect(blocksOf(said([failed]))[0]?.toolResult).toEqual({
      toolUseId: 'a',
      status: 'error',
      content: [{ text: 'no' }],
    });
    expect(blocksOf(said([failed], LLAMA))[0]?.toolResult).toEqual({
      toolUseId: 'a',
      content: [{ text: 'The tool failed:' }, { text: 'no' }],
    });
  });

  test('keeps cache points where the model knows them', () => {
    const hinted: readonly ContentPart[] = [
      { type: 'text', text: 'a', cacheHint: { type: 'ephemeral', ttl: '1h' } },
      { type: 'text', text: ' ', cacheHint: { type: 'ephemeral' } },
    ];
    expect(blocksOf(said(hinted))).toEqual([{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }]);
    const { body, omitted } = said(hinted, LLAMA);
    expect(body.messages[0]?.content).toEqual([{ text: 'a' }]);
    expect(features(omitted)).toEqual(['cache_hints']);
  });
});

describe('tools of another dialect', () => {
  const tool = { type: 'function' as const, name: 'f', parameters: { properties: { a: {} } } };
  const history: readonly Message[] = [
    USER,
    {
      role: 'assistant',
      content: [{ type: 'tool-call', kind: 'function', id: 'a', name: 'old tool!', arguments: '{}' }],
    },
    { role: 'user', content: [{ type: 'tool-result', callId: 'a', content: [], isError: false }] },
  ];

  test('have a schema of an object, and strictness where it is asked for', () => {
    const { body } = encode({
      tools: [
        { ...tool, strict: true },
        { type: 'function', name: 'g', description: '' },
      ],
    });
    expect(body.toolConfig).toEqual({
      tools: [
        {
          toolSpec: {
            name: 'f',
            inputSchema: { json: { type: 'object', properties: { a: {} } } },
            strict: true,
          },
        },
        { toolSpec: { name: 'g', inputSchema: { json: { type: 'object', properties: {} } } } },
      ],
    });
  });

  test('are not sent where none may be called', () => {
    const { body, unsupported } = encode({ tools: [tool], toolChoice: { type: 'none' } });
    expect(body.toolConfig).toBeUndefined();
    expect(unsupported).toEqual([]);
  });

  test('cannot be forbidden once they were called', () => {
    const { body, unsupported } = encode({ messages: history, tools: [tool], toolChoice: { type: 'none' } });
    expect(body.toolConfig?.tools).toHaveLength(1);
    expect(features(unsupported)).toEqual(['tool_choice']);
  });

  test('that are gone are still named where the conversation holds their calls', () => {
    const { body } = encode({ messages: history });
    const names = body.toolConfig?.tools.map(({ toolSpec }) => toolSpec.name) ?? [];
    expect(names).toEqual([body.messages[1]?.content[0]?.toolUse?.name]);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  test('of results whose calls are gone are still named', () => {
    const { body } = encode({ messages: history.slice(2) });
    expect(body.toolConfig?.tools.map(({ toolSpec }) => toolSpec.name)).toEqual(['former_tool']);
  });

  test('are refused for names that Bedrock does not take, for free text, and for tools others run', () => {
    const { body, unsupported } = encode({
      tools: [
        { ...tool, name: 'a.b' },
        { type: 'custom', name: 'c' },
        { type: 'hosted', dialect: 'gemini', name: 'search', definition: {} },
      ],
    });
    expect(body.toolConfig).toBeUndefined();
    expect(unsupported).toEqual([
      { feature: 'tools', detail: 'a.b' },
      { feature: 'custom_tools', detail: 'c' },
      { feature: 'hosted_tools', detail: 'search' },
    ]);
  });

  test('are called one at a time only where that can be said', () => {
    expect(features(encode({ tools: [tool], parallelToolCalls: false }).unsupported)).toEqual([
      'parallel_tool_calls',
    ]);
    expect(encode({ parallelToolCalls: false }).unsupported).toEqual([]);
  });
});

describe('how much to think', () => {
  test.each<[string, ChatRequest['reasoning'], JsonObject]>([
    [CLAUDE, { effort: 'high' }, { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }],
    [BUDGET_CLAUDE, { budgetTokens: 2000 }, { thinking: { type: 'enabled', budget_tokens: 2000 } }],
    [NOVA_2, { effort: 'medium' }, { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } }],
    [NOVA_2, { enabled: false }, { reasoningConfig: { type: 'disabled' } }],
    [GPT, { budgetTokens: 20_000 }, { reasoning_effort: 'high' }],
    [GPT, { effort: 'minimal' }, { reasoning_effort: 'low' }],
  ])('is told to %s in its maker’s words: %j', (model, reasoning, fields) => {
    const { body, unsupported } = encode({ ...(reasoning && { reasoning }) }, model);
    expect(body.additionalModelRequestFields).toEqual(fields);
    expect(unsupported).toEqual([]);
  });

  test.each<[string, ChatRequest['reasoning']]>([
    [NOVA_2, { effort: 'high' }],
    [NOVA_2, { effort: 'galactic' }],
    [GPT, { effort: 'none' }],
    [LLAMA, { effort: 'low' }],
    ['anthropic.claude-3-haiku-20240307-v1:0', { effort: 'low' }],
  ])('is refused where %s cannot: %j', (model, reasoning) => {
    const { body, unsupported } = encode({ ...(reasoning && { reasoning }) }, model);
    expect(body.additionalModelRequestFields).toBeUndefined();
    expect(features(unsupported)).toEqual(['reasoning']);
  });

  test('is the highest effort of Nova only without a bound', () => {
    const target = { model: NOVA_2, maxOutputTokens: undefined };
    const { body } = bedrockConverse.encodeRequest(request({ reasoning: { effort: 'high' } }), target);
    expect(body['additionalModelRequestFields']).toEqual({
      reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' },
    });
  });
});

describe('parameters', () => {
  test('stand where the model reads them', () => {
    const asked = { temperature: 0.5, topP: 0.9, topK: 7, stop: ['END'] };
    expect(encode(asked, BUDGET_CLAUDE).body).toMatchObject({
      inferenceConfig: { maxTokens: 5000, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      additionalModelRequestFields: { top_k: 7 },
    });
    expect(encode(asked, NOVA_2).body.additionalModelRequestFields).toEqual({
      inferenceConfig: { topK: 7 },
    });
    expect(features(encode(asked, LLAMA).unsupported)).toEqual(['top_k']);
  });

  test('without a word here are refused, and the end user is left out', () => {
    const { unsupported, omitted } = encode(
      {
        choices: 2,
        logprobs: true,
        seed: 1,
        frequencyPenalty: 1,
        responseFormat: { type: 'json' },
        temperature: 1.5,
        stop: [''],
        serviceTier: 'scale',
        endUser: 'u',
        messages: [{ ...USER, name: 'Ann' }],
      },
      LLAMA,
    );
    expect(features(unsupported).toSorted()).toEqual([
      ...['frequency_penalty', 'json_mode', 'logprobs', 'n', 'seed', 'service_tier', 'stop', 'temperature'],
    ]);
    expect(features(omitted).toSorted()).toEqual(['participant_name', 'user']);
  });

  test.each([
    ['auto', undefined],
    ['standard_only', { type: 'default' }],
    ['priority', { type: 'priority' }],
  ])('name the tier %s', (serviceTier, wire) => {
    expect(encode({ serviceTier }).body.serviceTier).toEqual(wire);
  });

  test('send a schema as text', () => {
    const { body } = encode({
      responseFormat: { type: 'json-schema', name: 'city', schema: { type: 'object' }, strict: true },
    });
    expect(body.outputConfig).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'city', schema: '{"type":"object"}' } },
      },
    });
  });

  test('cannot bound an answer to nothing', () => {
    expect(() => encode({}, CLAUDE, 0)).toThrow(GatewayError);
  });
});

describe('a caller’s own body, for a provider of the same dialect', () => {
  const patch = (raw: string, maxOutputTokens: number | undefined, model = CLAUDE): string =>
    bedrockConverse.patchRequest(raw, decode(JSON.parse(raw)), { model, maxOutputTokens });

  test('keeps every byte but for the bound and Sluice’s own options', () => {
    const raw =
      '{ "session_id":"s", "messages" : [{"role":"user","content":[{"text":"\\u00fc"},{"hologram":{}}]}],\n"big":12345678901234567890 ,"models":["a"]}';
    expect(patch(raw, undefined)).toBe(
      '{ "messages" : [{"role":"user","content":[{"text":"\\u00fc"},{"hologram":{}}]}],\n"big":12345678901234567890}',
    );
  });

  test('is bounded where the caller gave no bound', () => {
    expect(patch('{"messages":[]}', 10)).toBe('{"inferenceConfig":{"maxTokens":10},"messages":[]}');
    expect(patch('{"messages":[],"inferenceConfig":{"topP":1}}', 10)).toBe(
      '{"messages":[],"inferenceConfig":{"maxTokens":10,"topP":1}}',
    );
    const own = '{"messages":[],"inferenceConfig":{"maxTokens":5}}';
    expect(patch(own, 10)).toBe(own);
  });

  test('loses what another model left that this one refuses', () => {
    const block = (value: JsonObject): JsonObject => ({ role: 'assistant', content: [value] });
    const signed = block({ reasoningContent: { reasoningText: { text: 'a', signature: 's' } } });
    const unsigned = block({ reasoningContent: { reasoningText: { text: 'a' } } });
    const call = block({ toolUse: { toolUseId: 'f:0', name: 'f', input: {} } });
    const result = { role: 'user', content: [{ toolResult: { toolUseId: 'f:0', content: [] } }] };
    const raw = JSON.stringify({ messages: [signed, unsigned, call, result] });
    const forClaude = JSON.parse(patch(raw, undefined)).messages;
    expect(forClaude).toHaveLength(3);
    expect(forClaude[0]).toEqual(signed);
    expect(forClaude[1].content[0].toolUse.toolUseId).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(forClaude[1].content[0].toolUse.toolUseId).toBe(forClaude[2].content[0].toolResult.toolUseId);
    expect(JSON.parse(patch(raw, undefined, GPT)).messages[0]).toEqual(unsigned);
    expect(JSON.parse(patch(raw, undefined, 'arn:aws:bedrock:us-east-1:1:x')).messages).toHaveLength(4);
  });
});
