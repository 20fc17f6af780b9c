import { openaiCompatible } from '../openai-compatible.ts';

/** Any server that speaks OpenAI's formats: the operator says where it stands, and whether it wants a credential. */
export const CUSTOM = openaiCompatible({
  id: 'custom',
  name: 'Custom (OpenAI-compatible)',
  baseUrl: undefined,
  exampleBaseUrl: 'https://llm.example.com/v1',
  credentialVariable: 'CUSTOM_API_KEY',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-moderations': '/moderations',
    'openai-images': '/images/generations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'cohere-rerank': '/rerank',
  },
  evidence: 'declared',
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
});
