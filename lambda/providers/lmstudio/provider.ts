import { openaiCompatible } from '../openai-compatible.ts';

export const LMSTUDIO = openaiCompatible({
  id: 'lmstudio',
  name: 'LM Studio',
  baseUrl: 'http://localhost:1234/v1',
  credentialVariable: 'LM_API_TOKEN',
  credentialIsOptional: true,
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  // A server of the operator’s own.
  dataPolicy: {
    trains: false,
    retentionDays: 0,
  },
  evidence: 'verified',
  documentation: 'https://lmstudio.ai/docs/developer/openai-compat',
});
