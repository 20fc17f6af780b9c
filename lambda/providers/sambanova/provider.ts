import { openaiCompatible } from '../openai-compatible.ts';

export const SAMBANOVA = openaiCompatible({
  id: 'sambanova',
  name: 'SambaNova',
  baseUrl: 'https://api.sambanova.ai/v1',
  credentialVariable: 'SAMBANOVA_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'declared',
  documentation: 'https://docs.sambanova.ai/docs',
});
