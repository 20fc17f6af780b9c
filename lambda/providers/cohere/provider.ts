import { openaiCompatible } from '../openai-compatible.ts';

export const COHERE = openaiCompatible({
  id: 'cohere',
  name: 'Cohere',
  baseUrl: 'https://api.cohere.com',
  credentialVariable: 'CO_API_KEY',
  speaks: { 'cohere-chat': '/v2/chat', 'cohere-rerank': '/v2/rerank' },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  evidence: 'verified',
  documentation: 'https://docs.cohere.com/reference/chat',
});
