import { openaiCompatible } from '../openai-compatible.ts';

export const TOGETHER = openaiCompatible({
  id: 'together',
  name: 'Together AI',
  baseUrl: 'https://api.together.xyz/v1',
  credentialVariable: 'TOGETHER_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-images': '/images/generations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'cohere-rerank': '/rerank',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  evidence: 'verified',
  documentation: 'https://docs.together.ai/reference/chat-completions-1',
});
