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
  evidence: 'verified',
  documentation: 'https://platform.moonshot.ai/docs/api/chat',
});
