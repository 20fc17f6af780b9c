import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

const modelPath = (publisher: string, model: string, verb: string): string =>
  `/publishers/${publisher}/models/${encodeURIComponent(model)}:${verb}`;

const CLAUDE = /^claude-/;
/** `meta/llama-3.3-70b-instruct-maas`: models of other makers. */
const PUBLISHED = /^[^/]+\/./;
/** Google's own: only these are spoken to in its format. */
const GOOGLE = /^(?!claude-)[^/]+$/;

const FUNCTION_IDS = ['functionCall', 'functionResponse', 'function_call', 'function_response'].map(
  (name) => ['contents', '*', 'parts', '*', name, 'id'],
);

export const VERTEX: Provider = {
  id: providerId('vertex'),
  name: 'Google Vertex AI',
  apis: [
    {
      dialect: 'anthropic-messages',
      models: CLAUDE,
      path: (model, stream) => modelPath('anthropic', model, stream ? 'streamRawPredict' : 'rawPredict'),
      /** @see https://docs.anthropic.com/en/api/claude-on-vertex-ai */
      quirks: { set: { anthropic_version: 'vertex-2023-10-16' }, remove: ['model'] },
    },
    /** @see https://cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview */
    { dialect: 'openai-chat', models: PUBLISHED, path: () => '/endpoints/openapi/chat/completions' },
    {
      dialect: 'gemini',
      models: GOOGLE,
      path: (model, stream) =>
        modelPath('google', model, stream ? 'streamGenerateContent?alt=sse' : 'generateContent'),
      /**
       * Its first version knows no ids of functions: calls and responses belong together by their order.
       * @see https://docs.cloud.google.com/ruby/docs/reference/google-cloud-ai_platform-v1/latest/Google-Cloud-AIPlatform-V1-FunctionCall
       * @see https://github.com/vercel/ai/issues/15664
       */
      quirks: { removeWithin: FUNCTION_IDS },
    },
    /** @see https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens */
    {
      dialect: 'anthropic-count-tokens',
      models: CLAUDE,
      path: () => modelPath('anthropic', 'count-tokens', 'rawPredict'),
    },
    {
      dialect: 'gemini-count-tokens',
      models: GOOGLE,
      path: (model) => modelPath('google', model, 'countTokens'),
      quirks: { removeWithin: FUNCTION_IDS },
    },
  ],
  baseUrl: undefined,
  exampleBaseUrl:
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west1',
  // A service account's JSON, or the path of its file. The signer makes a token of it.
  credentialVariable: 'GOOGLE_APPLICATION_CREDENTIALS',
  signing: 'google-oauth',
  authHeaders: () => ({}),
  forwardedHeaders: ['anthropic-beta'],
  maxOutputTokensField: 'max_tokens',
  imageTokensBound: undefined,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  dataPolicy: {
    trains: false,
    retentionDays: undefined,
    regions: undefined,
    documentation: 'https://cloud.google.com/vertex-ai/generative-ai/docs/vertex-ai-zero-data-retention',
  },
  evidence: 'verified',
  documentation: 'https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference',
};
