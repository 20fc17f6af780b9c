import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

const modelPath = (publisher: string, model: string, verb: string): string =>
  `/publishers/${publisher}/models/${encodeURIComponent(model)}:${verb}`;

const CLAUDE = /^claude-/;
/** `meta/llama-3.3-70b-instruct-maas`: models of other makers. */
const PUBLISHED = /^[^/]+\/./;
/** Google's own: asked in their format for one of the others, the address would name another publisher's model. */
const GOOGLES = /^(?!claude-)[^/]+$/;

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
      models: GOOGLES,
      path: (model, stream) =>
        modelPath('google', model, stream ? 'streamGenerateContent?alt=sse' : 'generateContent'),
    },
    /** @see https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens */
    {
      dialect: 'anthropic-count-tokens',
      models: CLAUDE,
      path: () => modelPath('anthropic', 'count-tokens', 'rawPredict'),
    },
    {
      dialect: 'gemini-count-tokens',
      models: GOOGLES,
      path: (model) => modelPath('google', model, 'countTokens'),
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
