import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type MoneyGateway, startMoneyGateway } from '../support/money-gateway.ts';

/** Each of these made a provider charge more than was set aside, or could have. */

let gateway: MoneyGateway;
beforeAll(async () => {
  gateway = await startMoneyGateway();
});
afterAll(() => gateway.close());

const GEMINI = '/v1beta/models/gemini%2Fmock:generateContent';
const CONVERSE = '/model/bedrock%2Fmock/converse';
const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
const turns = [{ role: 'user', content: [{ text: 'Hi' }] }];
const messages = [{ role: 'user', content: 'Hi' }];

const S3_DOCUMENT = {
  document: { name: 'a', format: 'pdf', source: { s3Location: { uri: 's3://b/a.pdf' } } },
};

const gemini = (body: object) => [GEMINI, { contents, ...body }] as const;
const converse = (body: object) => [CONVERSE, { messages: turns, ...body }] as const;
const cohere = (body: object) => ['/v2/chat', { model: 'cohere/mock', messages, ...body }] as const;
const chat = (body: object, model = 'openai/mock') =>
  ['/v1/chat/completions', { model, messages, ...body }] as const;
const responses = (body: object) =>
  ['/v1/responses', { model: 'openai/mock', input: 'Hi', ...body }] as const;
const completions = (body: object) =>
  ['/v1/completions', { model: 'custom/mock', prompt: 'Hi', ...body }] as const;
const anthropic = (body: object, model = 'anthropic/mock') =>
  ['/v1/messages', { model, max_tokens: 10, messages, ...body }] as const;

describe('a hard budget refuses', () => {
  test.each([
    [
      'a file beside a text in one part',
      gemini({
        contents: [{ role: 'user', parts: [{ text: 'Hi', fileData: { fileUri: 'gs://b/film.mp4' } }] }],
      }),
    ],
    [
      'a file that calls itself a plain document',
      gemini({
        contents: [
          {
            role: 'user',
            parts: [{ document: 1, source: { type: 'text' }, fileData: { fileUri: 'gs://b/f' } }],
          },
        ],
      }),
    ],
    [
      'a file beside a picture in a result',
      gemini({
        contents: [
          ...contents,
          { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
          {
            role: 'user',
            parts: [
              {
                functionResponse: {
                  name: 'f',
                  response: {},
                  parts: [
                    { inlineData: { mimeType: 'image/png', data: 'AA' }, fileData: { fileUri: 'gs://b/f' } },
                  ],
                },
              },
            ],
          },
        ],
      }),
    ],
    [
      'another model by routing',
      gemini({ generationConfig: { routingConfig: { manualMode: { modelName: 'gemini-dear' } } } }),
    ],
    [
      'another model by selection',
      gemini({
        generationConfig: { model_selection_config: { featureSelectionPreference: 'PRIORITIZE_QUALITY' } },
      }),
    ],
    ['a prompt that is kept', gemini({ cached_content: 'cachedContents/1' })],
    ['a guard that is charged apart', gemini({ modelArmorConfig: { promptTemplateName: 'x' } })],
    ['pictures', gemini({ generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } })],
    [
      'a kind of answer that is still to come',
      gemini({ generationConfig: { responseModalities: ['VIDEO'] } }),
    ],
    ['larger pictures', gemini({ generationConfig: { imageConfig: { imageSize: '4K' } } })],
    ['a search', gemini({ tools: [{ google_search: {} }] })],
    ['a tier by its number', gemini({ serviceTier: 3 })],
    [
      'a bound beside the bound',
      converse({ inferenceConfig: { maxTokens: 10 }, additionalModelRequestFields: { max_tokens: 100_000 } }),
    ],
    [
      'a bound in another maker’s words',
      converse({ additionalModelRequestFields: { inferenceConfig: { maxTokens: 100_000 } } }),
    ],
    [
      'tools in another maker’s words',
      converse({ additionalModelRequestFields: { tools: [{ type: 'web_search' }] } }),
    ],
    ['a guardrail', converse({ guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' } })],
    ['a faster model', converse({ performanceConfig: { latency: 'optimized' } })],
    ['a dearer tier', converse({ serviceTier: { type: 'priority' } })],
    ['a prompt that Bedrock keeps', converse({ promptVariables: { a: { text: 'b' } } })],
    [
      'a document beside a text in one block',
      converse({ messages: [{ role: 'user', content: [{ text: 'Hi', ...S3_DOCUMENT }] }] }),
    ],
    [
      'a document beside a mark',
      converse({
        messages: [
          { role: 'user', content: [{ text: 'Hi' }, { cachePoint: { type: 'default' }, ...S3_DOCUMENT }] },
        ],
      }),
    ],
    [
      'a tool beside a tool',
      converse({
        toolConfig: {
          tools: [
            { toolSpec: { name: 'f', inputSchema: { json: {} } }, systemTool: { name: 'nova_grounding' } },
          ],
        },
      }),
    ],
    ['compaction', responses({ context_management: [{ type: 'compaction', compact_threshold: 1_000 }] })],
    [
      'reasoning that the provider keeps',
      responses({
        input: [
          { type: 'reasoning', id: 'rs_123', summary: [] },
          { role: 'user', content: 'Hi' },
        ],
      }),
    ],
    ['an item that the provider keeps', responses({ input: [{ type: 'item_reference', id: 'msg_1' }] })],
    ['an earlier answer', responses({ previous_response_id: 'resp_1' })],
    ['work in the background', responses({ background: true })],
    [
      'a tool of a namespace that the provider runs',
      responses({ tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'web_search' }] }] }),
    ],
    ['several answers of which one is shown', completions({ best_of: 20 })],
    ['the prompt said again', completions({ echo: true })],
    ['no limit by a limit of 0', completions({ max_tokens: 0 })],
    ['no limit by a limit of nearly 0', completions({ max_tokens: 1e-9 })],
    ['no limit by a limit of 0 at another server', anthropic({ max_tokens: 0 }, 'dashscope/mock')],
    [
      'a document that is a file in disguise',
      chat({
        messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'text' }, file_id: 'f' }] }],
      }),
    ],
    [
      'a picture of any length behind a draft of a hundred tokens',
      ['/v1/images/generations', { model: 'openai/token-painter', prompt: 'Hi', partial_images: 1 }] as const,
    ],
    ['larger pictures by chat', chat({ image_config: { image_size: '4K' } })],
    ['credit of another kind', anthropic({ fallback_credit_token: 'x' })],
  ])('%s', async (_what, [path, body]) => {
    const { status, code, sent } = await gateway.post(path, body);
    expect(sent?.body).toBeUndefined();
    expect(status).toBe(400);
    expect(['cost_unbounded', 'invalid_request']).toContain(code);
  });
});

describe('a hard budget leaves out what nobody knows the cost of, and says so', () => {
  test.each([
    [
      'a bound in a mixed spelling',
      gemini({ generationConfig: { maxOutputTokens: 10, maxOutput_tokens: 60_000 } }),
      'generationConfig.maxOutput_tokens',
    ],
    [
      'a bound in capitals',
      gemini({ generationConfig: { MaxOutputTokens: 60_000 } }),
      'generationConfig.MaxOutputTokens',
    ],
    ['a field that is still to come', gemini({ grounding: { everything: true } }), 'grounding'],
    [
      'a bound of Bedrock in capitals',
      converse({ inferenceConfig: { MaxTokens: 60_000 } }),
      'inferenceConfig.MaxTokens',
    ],
    ['connectors', cohere({ connectors: [{ id: 'web-search' }] }), 'connectors'],
    ['several answers of Cohere', cohere({ num_generations: 5 }), 'num_generations'],
    ['data of the provider', chat({ data_sources: [{ type: 'azure_search' }] }), 'data_sources'],
    ['a second model', chat({ safety_model: 'dear' }), 'safety_model'],
    ['other models', chat({ providerOptions: { gateway: { models: ['dear'] } } }), 'providerOptions'],
    [
      'a search in other words',
      chat({ venice_parameters: { enable_web_search: 'on' } }),
      'venice_parameters',
    ],
    [
      'a template that makes the prompt longer',
      chat({ chat_template: '{% for x in range(999999) %}a{% endfor %}' }),
      'chat_template',
    ],
    ['a bound of llama.cpp', chat({ n_predict: 60_000 }), 'n_predict'],
    [
      'a member of a tool',
      chat({ tools: [{ type: 'function', function: { name: 'f', runs_at: 'you' } }] }),
      'tools.function.runs_at',
    ],
    [
      'a second bound',
      completions({ max_tokens: 10, max_completion_tokens: 60_000 }),
      'max_completion_tokens',
    ],
    ['a dearer tier', completions({ service_tier: 'priority' }), 'service_tier'],
    [
      'a second bound at Anthropic’s format',
      anthropic({ max_completion_tokens: 60_000 }),
      'max_completion_tokens',
    ],
    [
      'a field of embeddings',
      ['/v1/embeddings', { model: 'openai/vectors', input: 'Hi', service_tier: 'priority' }] as const,
      'service_tier',
    ],
    [
      'steps of a picture',
      ['/v1/images/generations', { model: 'openai/painter', prompt: 'Hi', steps: 500 }] as const,
      'steps',
    ],
    [
      'fields of a document',
      [
        '/v2/rerank',
        { model: 'cohere/ranker', query: 'q', documents: ['a'], rank_fields: ['body'] },
      ] as const,
      'rank_fields',
    ],
  ])('%s', async (_what, [path, body], name) => {
    const held = await gateway.post(path, body);
    expect(held.status).toBe(200);
    expect(held.dropped).toBe(name);
    expect(JSON.stringify(held.sent?.body)).not.toContain(`"${name.split('.').at(-1)}"`);
    const free = await gateway.post(path, body, { key: gateway.free });
    expect(JSON.stringify(free.sent?.body)).toContain(`"${name.split('.').at(-1)}"`);
    expect(free.dropped).toBeNull();
  });

  test('nothing else is lost with it', async () => {
    const [path, body] = gemini({ generationConfig: { temperature: 0.5, later: { a: 1 } } });
    const { sent } = await gateway.post(path, body);
    expect(sent?.body).toEqual({ contents, generationConfig: { temperature: 0.5, maxOutputTokens: 4_000 } });
  });

  test('a name with a dot cannot take a bound away', async () => {
    const [path, body] = gemini({
      generationConfig: { maxOutputTokens: 10 },
      'generationConfig.maxOutputTokens': 1,
    });
    const { status, sent } = await gateway.post(path, body);
    expect(status).toBe(400);
    expect(sent).toBeUndefined();
  });
});

describe('what asks for no more than is set aside goes on under a hard budget', () => {
  test.each([
    gemini({
      safetySettings: [],
      store: false,
      generationConfig: { thinkingConfig: { thinkingBudget: -1 }, mediaResolution: 'MEDIA_RESOLUTION_LOW' },
    }),
    gemini({
      generation_config: { max_output_tokens: 10 },
      tool_config: { function_calling_config: { mode: 'AUTO' } },
    }),
    converse({
      inferenceConfig: { maxTokens: 10 },
      additionalModelRequestFields: { anthropic_beta: ['x'], top_k: 5 },
      performanceConfig: { latency: 'standard' },
    }),
    cohere({ documents: [{ data: { text: 'a' } }], citation_options: { mode: 'FAST' }, safety_mode: 'NONE' }),
    responses({
      store: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: 'k',
      client_metadata: { a: 'b' },
      reasoning: { summary: 'auto' },
      truncation: 'auto',
      max_tool_calls: 3,
    }),
    chat({
      store: true,
      logit_bias: {},
      safety_identifier: 'a',
      repetition_penalty: 1.1,
      prompt_cache_retention: '24h',
    }),
    completions({ suffix: 'a', seed: 1 }),
    anthropic({ max_tokens: 0 }),
    anthropic({
      cache_control: { type: 'ephemeral' },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
      tools: [{ name: 'f', input_schema: { type: 'object' }, defer_loading: true }],
    }),
    [
      '/v1/images/generations',
      { model: 'openai/painter', prompt: 'Hi', background: 'auto', output_format: 'png' },
    ] as const,
    ['/v1/audio/speech', { model: 'openai/speaker', input: 'Hi', voice: 'alloy', speed: 1.5 }] as const,
  ])('%s', async (path, body) => {
    const { status, dropped, sent } = await gateway.post(path, body);
    expect(status).toBe(200);
    expect(dropped).toBeNull();
    expect(sent?.body).toMatchObject(
      'model' in body ? { ...body, model: expect.any(String), ...('models' in body && {}) } : body,
    );
  });
});

describe('a name given twice', () => {
  test.each([
    [
      'in an option',
      GEMINI,
      '{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":90000,"maxOutputTokens":1}}',
    ],
    [
      'once with escapes',
      GEMINI,
      '{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":90000,"max\\u004futputTokens":1}}',
    ],
    [
      'in a part',
      '/v1/chat/completions',
      '{"model":"openai/mock","messages":[{"role":"user","content":[{"type":"image_url","type":"text","text":"a","image_url":{"url":"https://a.b/c.png"}}]}]}',
    ],
  ])('is refused %s, as readers differ in which one counts', async (_where, path, body) => {
    const { status, code, sent } = await gateway.post(path, body);
    expect(sent).toBeUndefined();
    expect([status, code]).toEqual([400, 'invalid_request']);
  });
});

describe('what is set aside', () => {
  const estimateOf = async (path: string, body: unknown): Promise<bigint> => {
    const { response } = await gateway.post(path, body);
    return (await gateway.record(response)).estimate;
  };
  const sound = (mimeType: string) => ({
    contents: [{ role: 'user', parts: [{ inlineData: { mimeType, data: 'AAAA' } }] }],
  });

  test.each(['audio/mp3', 'Audio/MP3', 'application/octet-stream', ''])(
    'covers sound that calls itself %p',
    async (mimeType) => {
      const path = '/v1beta/models/gemini%2Flistening:generateContent';
      expect(await estimateOf(path, sound(mimeType))).toBeGreaterThanOrEqual(200_000n * 30_000n);
    },
  );

  test('covers a context that the body widens', async () => {
    const body = { anthropic_beta: ['context-1m-2025-08-07'] };
    const file = { type: 'document', source: { type: 'url', url: 'https://a.b/long.pdf' } };
    const [path, request] = anthropic({ ...body, messages: [{ role: 'user', content: [file] }] });
    expect(await estimateOf(path, request)).toBeGreaterThanOrEqual(1_000_000n * 3_000n);
  });

  test('covers a document that Bedrock fetches', async () => {
    const [path, body] = converse({ messages: [{ role: 'user', content: [{ text: 'Hi' }, S3_DOCUMENT] }] });
    expect(await estimateOf(path, body)).toBeGreaterThanOrEqual(200_000n * 3_000n);
  });

  test('covers pictures beside their drafts', async () => {
    const body = { model: 'openai/limited-painter', prompt: 'Hi', partial_images: 1, n: 2 };
    expect(await estimateOf('/v1/images/generations', body)).toBeGreaterThanOrEqual(2n * 5_000n * 30_000n);
  });

  test('covers a text of characters that count twice', async () => {
    const body = { model: 'openai/speaker', input: '\u{1f600}'.repeat(1_000), voice: 'alloy' };
    expect(await estimateOf('/v1/audio/speech', body)).toBeGreaterThanOrEqual(2_000n * 15_000n);
  });

  test('covers a picture that is a file', async () => {
    const url = `data:application/pdf;base64,${'A'.repeat(100)}`;
    const [path, request] = chat({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    expect(await estimateOf(path, request)).toBeGreaterThanOrEqual(200_000n * 3_000n);
  });

  test('covers reasoning where the limit holds for the answer alone', async () => {
    const prices = { ...REASONER, capabilities: ['reasoning'] };
    const reasoning = await startMoneyGateway({ prices: { 'dashscope/mock*': prices } });
    try {
      const { response } = await reasoning.post(...chat({ max_tokens: 10 }, 'dashscope/mock'));
      const { estimate } = await reasoning.record(response);
      expect(estimate).toBeGreaterThanOrEqual(50_000n * 17_000n);
    } finally {
      await reasoning.close();
    }
  });

  test('covers every member of a document, and each short document of a prompt', async () => {
    const long = { text: 'a', body: 'b'.repeat(60_000) };
    const path = '/v2/rerank';
    const body = { model: 'cohere/ranker', query: 'q', documents: Array.from({ length: 5 }, () => long) };
    expect(await estimateOf(path, body)).toBeGreaterThanOrEqual(5n * 3_000_000n);
    const documents = Array.from({ length: 1_000 }, () => 'a');
    expect(await estimateOf(...cohere({ max_tokens: 1, documents }))).toBeGreaterThan(1_000n * 16n * 3_000n);
  });
});

const REASONER = {
  promptUsdPerMillion: 3,
  completionUsdPerMillion: 17,
  contextTokens: 50_000,
  maxOutputTokens: 4_000,
};
