import { openaiCompatible } from '../openai-compatible.ts';

export const VLLM = openaiCompatible({
  id: 'vllm',
  name: 'vLLM',
  baseUrl: 'http://localhost:8000/v1',
  credentialVariable: 'VLLM_API_KEY',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'cohere-rerank': '/rerank',
    'openai-transcriptions': '/audio/transcriptions',
  },
  // A server of the operator’s own.
  dataPolicy: {
    trains: false,
    retentionDays: 0,
  },
  evidence: 'declared',
  documentation: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
});
