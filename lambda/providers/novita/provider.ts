import { openaiCompatible } from '../openai-compatible.ts';

export const NOVITA = openaiCompatible({
  id: 'novita',
  name: 'Novita AI',
  baseUrl: 'https://api.novita.ai/openai/v1',
  credentialVariable: 'NOVITA_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  evidence: 'declared',
  documentation: 'https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion',
});
