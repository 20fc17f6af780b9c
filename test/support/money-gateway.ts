import type { GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { budget, type LocalGateway, startLocalGateway, type TestKey } from './local-gateway.ts';
import {
  type OperationRequest,
  type OperationUpstream,
  startOperationUpstream,
} from './operation-upstream.ts';

/** What came of a request: the caller's answer, and what the provider was asked. */
export interface Outcome {
  readonly status: number;
  /** The canonical code of an error. */
  readonly code: string | undefined;
  readonly dropped: string | null;
  /** The last request that left; `undefined` where none did. */
  readonly sent: OperationRequest | undefined;
  readonly response: Response;
}

/** A gateway whose providers of every dialect stand at one upstream, and a key whose hard budget holds every request. */
export interface MoneyGateway extends LocalGateway {
  readonly upstream: OperationUpstream;
  readonly held: TestKey;
  /** Without a budget. */
  readonly free: TestKey;
  post(path: string, body: unknown, settings?: PostSettings): Promise<Outcome>;
}

export interface PostSettings {
  /** @default the held one */
  readonly key?: TestKey;
  readonly headers?: Readonly<Record<string, string>>;
}

const RATES = {
  promptUsdPerMillion: 3,
  completionUsdPerMillion: 17,
  contextTokens: 200_000,
  maxOutputTokens: 4_000,
};
const NO_TOKENS = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 } as const;

const PRICES: NonNullable<GatewayDefinition['prices']> = {
  ...Object.fromEntries(
    ['openai', 'anthropic', 'gemini', 'bedrock', 'cohere', 'custom', 'dashscope'].map((provider) => [
      `${provider}/mock*`,
      RATES,
    ]),
  ),
  'gemini/listening': { ...RATES, promptAudioUsdPerMillion: 30 },
  'openai/painter': { ...NO_TOKENS, mode: 'image', imageUsd: 0.1 },
  'openai/token-painter': { ...NO_TOKENS, mode: 'image', completionImageUsdPerMillion: 30 },
  'openai/limited-painter': {
    ...NO_TOKENS,
    mode: 'image',
    completionImageUsdPerMillion: 30,
    maxOutputTokens: 5_000,
  },
  'openai/speaker': { ...NO_TOKENS, mode: 'speech', characterUsdPerMillion: 15 },
  'openai/listener': { ...NO_TOKENS, mode: 'transcription', audioMinuteUsd: 0.006 },
  'openai/vectors': { promptUsdPerMillion: 3, completionUsdPerMillion: 0, mode: 'embedding' },
  'cohere/ranker': { ...NO_TOKENS, mode: 'rerank', searchUnitUsd: 0.003 },
};

const VARIABLES = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'BEDROCK', 'COHERE', 'DASHSCOPE'];

/** Starts it. Its upstream answers in the form of the address it is asked at. */
export async function startMoneyGateway(config: Partial<GatewayDefinition> = {}): Promise<MoneyGateway> {
  const upstream = await startOperationUpstream();
  upstream.answer = ({ path }) => ({ body: JSON.stringify(answerAt(path)) });
  const gateway = await startLocalGateway({
    config: {
      providers: {
        openai: {},
        anthropic: {},
        gemini: {},
        bedrock: {},
        cohere: {},
        dashscope: {},
        custom: { baseUrl: upstream.url },
      },
      prices: PRICES,
      ...config,
    },
    environment: {
      GEMINI_API_KEY: 'gemini-credential',
      CO_API_KEY: 'cohere-credential',
      DASHSCOPE_API_KEY: 'dashscope-credential',
      AWS_BEARER_TOKEN_BEDROCK: 'bedrock-credential',
      ...Object.fromEntries(VARIABLES.map((name) => [`SLUICE_${name}_BASE_URL`, upstream.url])),
    },
  });
  const held = await gateway.createKey({ budgets: [budget(1_000)] });
  const free = await gateway.createKey();
  return {
    ...gateway,
    upstream,
    held,
    free,
    async post(path, body, { key = held, headers = {} } = {}) {
      upstream.requests.length = 0;
      const isForm = body instanceof FormData || headers['content-type'] !== undefined;
      const response = await fetch(gateway.url + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key.secret}`,
          ...(!isForm && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: isForm ? (body as FormData | string) : typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.clone().text();
      return {
        status: response.status,
        code: /"(?:code|sluice_code)":\s*"([a-z_]+)"/.exec(text)?.[1] ?? /"([a-z]+_[a-z_]+)"/.exec(text)?.[1],
        dropped: response.headers.get('x-sluice-dropped'),
        sent: upstream.requests.at(-1),
        response,
      };
    },
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}

const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

/** The shortest answer of each format. */
function answerAt(path: string): object {
  if (path.includes('generateContent'))
    return {
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    };
  if (path.includes('/converse'))
    return {
      output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    };
  if (path.endsWith('/v2/chat'))
    return {
      id: 'c',
      finish_reason: 'COMPLETE',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Hi' }] },
      usage: { billed_units: { input_tokens: 1, output_tokens: 1 } },
    };
  if (path.endsWith('/v2/rerank'))
    return { id: 'r', results: [], meta: { billed_units: { search_units: 1 } } };
  if (path.endsWith('/messages'))
    return {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'mock',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 1 },
    };
  if (path.endsWith('/responses'))
    return {
      id: 'resp',
      object: 'response',
      status: 'completed',
      model: 'mock',
      output: [
        {
          id: 'msg',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
        },
      ],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    };
  return otherAnswerAt(path);
}

function otherAnswerAt(path: string): object {
  if (path.endsWith('/embeddings'))
    return {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0] }],
      model: 'm',
      usage: { prompt_tokens: 1, total_tokens: 1 },
    };
  if (path.endsWith('/images/generations')) return { created: 1, data: [{ b64_json: 'AAAA' }] };
  if (path.endsWith('/audio/transcriptions')) return { text: 'Hi' };
  if (path.endsWith('/chat/completions'))
    return {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'mock',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      usage: USAGE,
    };
  return {
    id: 'c',
    object: 'text_completion',
    created: 1,
    model: 'mock',
    choices: [{ index: 0, text: 'Hi', finish_reason: 'stop', logprobs: null }],
    usage: USAGE,
  };
}
