import { openaiCompatible } from '../openai-compatible.ts';

export const OPENROUTER = openaiCompatible({
  id: 'openrouter',
  name: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  credentialVariable: 'OPENROUTER_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'anthropic-messages': '/messages',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  // It depends on the provider behind it.
  cancelStopsBilling: undefined,
  // What counts is the policy of the provider behind it.
  dataPolicy: {
    documentation: 'https://openrouter.ai/docs/guides/privacy/data-collection',
  },
  knowsDeveloperRole: true,
  /** @see https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks */
  reasoningField: 'reasoning_details',
  evidence: 'verified',
  documentation: 'https://openrouter.ai/docs/api-reference/overview',
});
