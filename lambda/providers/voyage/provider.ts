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
  /**
   * Numbers come unless base64 is asked for, and no other word for them is taken: callers get what they asked for from either.
   * @see https://docs.voyageai.com/reference/embeddings-api
   */
  quirks: {
    'openai-embeddings': { rename: { dimensions: 'output_dimension' }, remove: ['encoding_format'] },
  },
  evidence: 'verified',
  documentation: 'https://docs.voyageai.com/reference/embeddings-api',
});
