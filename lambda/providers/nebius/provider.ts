import { openaiCompatible } from '../openai-compatible.ts';

export const NEBIUS = openaiCompatible({
  id: 'nebius',
  name: 'Nebius Token Factory',
  baseUrl: 'https://api.tokenfactory.nebius.com/v1',
  credentialVariable: 'NEBIUS_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-images': '/images/generations',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'declared',
  documentation: 'https://docs.tokenfactory.nebius.com/api-reference/introduction',
});
