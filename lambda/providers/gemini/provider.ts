import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

const modelPath = (model: string, verb: string): string =>
  `/v1beta/models/${encodeURIComponent(model)}:${verb}`;

export const GEMINI: Provider = {
  id: providerId('gemini'),
  name: 'Google Gemini API',
  apis: [
    {
      dialect: 'gemini',
      path: (model, stream) => modelPath(model, stream ? 'streamGenerateContent?alt=sse' : 'generateContent'),
    },
    /** @see https://ai.google.dev/gemini-api/docs/openai#embeddings */
    { dialect: 'openai-embeddings', path: () => '/v1beta/openai/embeddings' },
    { dialect: 'gemini-count-tokens', path: (model) => modelPath(model, 'countTokens') },
  ],
  baseUrl: 'https://generativelanguage.googleapis.com',
  credentialVariable: 'GEMINI_API_KEY',
  authHeaders: (credential, dialect): Record<string, string> =>
    dialect === 'openai-embeddings'
      ? { authorization: `Bearer ${credential}` }
      : { 'x-goog-api-key': credential },
  forwardedHeaders: [],
  imageTokensBound: undefined,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  dataPolicy: {
    // Of paid services only. @see https://ai.google.dev/gemini-api/docs/zdr
    trains: false,
    retentionDays: 55,
    regions: undefined,
    documentation: 'https://ai.google.dev/gemini-api/docs/usage-policies',
  },
  evidence: 'verified',
  documentation: 'https://ai.google.dev/api/generate-content',
};
