import { openaiCompatible } from '../openai-compatible.ts';

export const VERCEL = openaiCompatible({
  id: 'vercel',
  name: 'Vercel AI Gateway',
  baseUrl: 'https://ai-gateway.vercel.sh/v1',
  credentialVariable: 'AI_GATEWAY_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'anthropic-messages': '/messages',
    'openai-embeddings': '/embeddings',
  },
  // It depends on the provider behind it.
  cancelStopsBilling: undefined,
  knowsDeveloperRole: true,
  evidence: 'verified',
  documentation: 'https://vercel.com/docs/ai-gateway/openai-compat',
});
