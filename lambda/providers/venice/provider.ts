import { openaiCompatible } from '../openai-compatible.ts';

export const VENICE = openaiCompatible({
  id: 'venice',
  name: 'Venice',
  baseUrl: 'https://api.venice.ai/api/v1',
  credentialVariable: 'VENICE_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
    'openai-images': '/images/generations',
    'openai-speech': '/audio/speech',
  },
  evidence: 'declared',
  documentation: 'https://docs.venice.ai/api-reference/api-spec',
});
