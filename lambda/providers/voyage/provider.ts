import { openaiCompatible } from '../openai-compatible.ts';

export const VOYAGE = openaiCompatible({
  id: 'voyage',
  name: 'Voyage AI',
  baseUrl: 'https://api.voyageai.com/v1',
  credentialVariable: 'VOYAGE_API_KEY',
  speaks: {
    'openai-embeddings': '/embeddings',
    'voyage-rerank': '/rerank',
  },
  evidence: 'verified',
  documentation: 'https://docs.voyageai.com/reference/embeddings-api',
});
