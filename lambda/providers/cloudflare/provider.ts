import { openaiCompatible } from '../openai-compatible.ts';

export const CLOUDFLARE = openaiCompatible({
  id: 'cloudflare',
  name: 'Cloudflare Workers AI',
  baseUrl: undefined,
  exampleBaseUrl: 'https://api.cloudflare.com/client/v4/accounts/0123456789abcdef/ai/v1',
  credentialVariable: 'CLOUDFLARE_API_TOKEN',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  evidence: 'verified',
  documentation: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/',
});
