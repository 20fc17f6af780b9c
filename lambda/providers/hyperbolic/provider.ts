import { openaiCompatible } from '../openai-compatible.ts';

export const HYPERBOLIC = openaiCompatible({
  id: 'hyperbolic',
  name: 'Hyperbolic',
  baseUrl: 'https://api.hyperbolic.xyz/v1',
  credentialVariable: 'HYPERBOLIC_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  evidence: 'declared',
  documentation: 'https://docs.hyperbolic.ai/inference/chat-completion',
});
