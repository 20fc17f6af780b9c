import { openaiCompatible } from '../openai-compatible.ts';

export const XAI = openaiCompatible({
  id: 'xai',
  name: 'xAI',
  baseUrl: 'https://api.x.ai/v1',
  credentialVariable: 'XAI_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-images': '/images/generations',
  },
  /** It holds for reasoning too. @see https://docs.x.ai/docs/api-reference#chat-completions */
  maxOutputTokensField: 'max_completion_tokens',
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  dataPolicy: {
    trains: false,
    retentionDays: 30,
    documentation: 'https://docs.x.ai/docs/faq/security',
  },
  evidence: 'verified',
  documentation: 'https://docs.x.ai/docs/api-reference',
});
