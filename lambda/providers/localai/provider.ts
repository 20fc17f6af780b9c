import { openaiCompatible } from '../openai-compatible.ts';

export const LOCALAI = openaiCompatible({
  id: 'localai',
  name: 'LocalAI',
  baseUrl: 'http://localhost:8080/v1',
  credentialVariable: 'LOCALAI_API_KEY',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-images': '/images/generations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
    'cohere-rerank': '/rerank',
  },
  // A server of the operator’s own.
  dataPolicy: {
    trains: false,
    retentionDays: 0,
  },
  evidence: 'declared',
  documentation: 'https://localai.io/features/',
});
