import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

export const JINA: Provider = {
  id: providerId('jina'),
  name: 'Jina AI',
  apis: [
    { dialect: 'openai-embeddings', path: () => '/embeddings' },
    { dialect: 'cohere-rerank', path: () => '/rerank' },
  ],
  baseUrl: 'https://api.jina.ai/v1',
  credentialVariable: 'JINA_API_KEY',
  authHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  forwardedHeaders: [],
  imageTokensBound: undefined,
  cancelStopsBilling: undefined,
  dataPolicy: {
    trains: undefined,
    retentionDays: undefined,
    documentation: 'https://jina.ai/legal',
  },
  documentation: 'https://jina.ai/reranker',
};
