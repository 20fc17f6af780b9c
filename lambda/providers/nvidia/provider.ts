import { openaiCompatible } from '../openai-compatible.ts';

export const NVIDIA = openaiCompatible({
  id: 'nvidia',
  name: 'NVIDIA NIM',
  baseUrl: 'https://integrate.api.nvidia.com/v1',
  credentialVariable: 'NVIDIA_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
  },
  evidence: 'declared',
  documentation: 'https://docs.api.nvidia.com/nim/reference/llm-apis',
});
