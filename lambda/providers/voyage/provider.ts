import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

export const VOYAGE: Provider = {
  id: providerId('voyage'),
  name: 'Voyage AI',
  apis: [
    { dialect: 'openai-embeddings', path: () => '/embeddings' },
    { dialect: 'voyage-rerank', path: () => '/rerank' },
  ],
  baseUrl: 'https://api.voyageai.com/v1',
  credentialVariable: 'VOYAGE_API_KEY',
  authHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  forwardedHeaders: [],
  imageTokensBound: undefined,
  cancelStopsBilling: undefined,
  dataPolicy: {
    trains: undefined,
    retentionDays: undefined,
    documentation: 'https://www.voyageai.com/privacy',
  },
  documentation: 'https://docs.voyageai.com/reference/reranker-api',
};
