import { openaiCompatible } from '../openai-compatible.ts';

export const MINIMAX = openaiCompatible({
  id: 'minimax',
  name: 'MiniMax',
  baseUrl: 'https://api.minimax.io',
  credentialVariable: 'MINIMAX_API_KEY',
  speaks: {
    'openai-chat': '/v1/chat/completions',
    'openai-responses': '/v1/responses',
    'anthropic-messages': '/anthropic/v1/messages',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'declared',
  documentation: 'https://platform.minimax.io/docs/api-reference/text-openai-api',
});
