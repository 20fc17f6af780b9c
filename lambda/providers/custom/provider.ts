import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

/** Any server that speaks OpenAI's chat format: the operator says where it stands, and whether it wants a credential. */
export const CUSTOM: Provider = {
  id: providerId('custom'),
  name: 'Custom (OpenAI-compatible)',
  apis: [
    { dialect: 'openai-chat', path: () => '/chat/completions' },
    { dialect: 'openai-embeddings', path: () => '/embeddings' },
    { dialect: 'openai-moderations', path: () => '/moderations' },
    { dialect: 'openai-images', path: () => '/images/generations' },
    { dialect: 'openai-speech', path: () => '/audio/speech' },
    { dialect: 'openai-transcriptions', path: () => '/audio/transcriptions' },
    { dialect: 'cohere-rerank', path: () => '/rerank' },
  ],
  baseUrl: undefined,
  credentialVariable: 'CUSTOM_API_KEY',
  credentialIsOptional: true,
  embeddingsPath: '/embeddings',
  authHeaders: (credential): Record<string, string> =>
    credential === '' ? {} : { authorization: `Bearer ${credential}` },
  forwardedHeaders: [],
  // The older spelling is the one every compatible server knows.
  maxOutputTokensField: 'max_tokens',
  imageTokensBound: undefined,
  cancelStopsBilling: undefined,
  dataPolicy: {
    trains: undefined,
    retentionDays: undefined,
    documentation: 'https://platform.openai.com/docs/api-reference/chat',
  },
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
};
