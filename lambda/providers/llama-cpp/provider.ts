import { openaiCompatible } from '../openai-compatible.ts';

export const LLAMA_CPP = openaiCompatible({
  id: 'llama-cpp',
  name: 'llama.cpp',
  baseUrl: 'http://localhost:8080/v1',
  credentialVariable: 'LLAMA_API_KEY',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'cohere-rerank': '/rerank',
  },
  // A server of the operator’s own.
  dataPolicy: {
    trains: false,
    retentionDays: 0,
  },
  evidence: 'verified',
  documentation: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
});
