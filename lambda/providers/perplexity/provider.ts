import { openaiCompatible } from '../openai-compatible.ts';

export const PERPLEXITY = openaiCompatible({
  id: 'perplexity',
  name: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  credentialVariable: 'PERPLEXITY_API_KEY',
  /** @see https://docs.perplexity.ai/api-reference/embeddings-post */
  speaks: { 'openai-chat': '/chat/completions', 'openai-embeddings': '/v1/embeddings' },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'verified',
  documentation: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
});
