import { openaiCompatible } from '../openai-compatible.ts';

export const OLLAMA = openaiCompatible({
  id: 'ollama',
  name: 'Ollama',
  baseUrl: 'http://localhost:11434/v1',
  credentialVariable: 'OLLAMA_API_KEY',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'anthropic-messages': '/messages',
  },
  // A server of the operator’s own.
  dataPolicy: {
    trains: false,
    retentionDays: 0,
  },
  evidence: 'verified',
  documentation: 'https://docs.ollama.com/api/openai-compatibility',
});
