import { openaiCompatible } from '../openai-compatible.ts';

export const MOONSHOT = openaiCompatible({
  id: 'moonshot',
  name: 'Moonshot AI',
  baseUrl: 'https://api.moonshot.ai',
  credentialVariable: 'MOONSHOT_API_KEY',
  speaks: {
    'openai-chat': '/v1/chat/completions',
    'anthropic-messages': '/anthropic/v1/messages',
  },
  /** @see https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model */
  reasoningField: 'reasoning_content',
  evidence: 'verified',
  documentation: 'https://platform.moonshot.ai/docs/api/chat',
});
