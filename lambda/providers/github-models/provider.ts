import { openaiCompatible } from '../openai-compatible.ts';

export const GITHUB_MODELS = openaiCompatible({
  id: 'github-models',
  name: 'GitHub Models',
  baseUrl: 'https://models.github.ai/inference',
  credentialVariable: 'GITHUB_TOKEN',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
  },
  evidence: 'declared',
  documentation: 'https://docs.github.com/en/rest/models/inference',
});
