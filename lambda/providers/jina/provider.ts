import { openaiCompatible } from '../openai-compatible.ts';

export const JINA = openaiCompatible({
  id: 'jina',
  name: 'Jina AI',
  baseUrl: 'https://api.jina.ai/v1',
  credentialVariable: 'JINA_API_KEY',
  speaks: {
    'openai-embeddings': '/embeddings',
    'cohere-rerank': '/rerank',
  },
  evidence: 'declared',
  documentation: 'https://jina.ai/embeddings/',
});
