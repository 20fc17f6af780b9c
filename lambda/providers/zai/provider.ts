import { openaiCompatible } from '../openai-compatible.ts';

export const ZAI = openaiCompatible({
  id: 'zai',
  name: 'Z.ai',
  baseUrl: 'https://api.z.ai/api',
  credentialVariable: 'ZAI_API_KEY',
  speaks: {
    'openai-chat': '/paas/v4/chat/completions',
    'anthropic-messages': '/anthropic/v1/messages',
  },
  /** @see https://docs.z.ai/guides/capabilities/thinking-mode */
  reasoningField: 'reasoning_content',
  evidence: 'verified',
  documentation: 'https://docs.z.ai/guides/develop/http/introduction',
});
