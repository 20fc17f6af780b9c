import { openaiCompatible } from '../openai-compatible.ts';

export const DEEPSEEK = openaiCompatible({
  id: 'deepseek',
  name: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com',
  credentialVariable: 'DEEPSEEK_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    /** @see https://github.com/pydantic/pydantic-ai/tree/main/tests/models/cassettes/test_deepseek_responses */
    'openai-responses': '/responses',
    'anthropic-messages': '/anthropic/v1/messages',
  },
  quirks: {
    /** @see https://github.com/earendil-works/pi/issues/1048 */
    'openai-chat': { roles: { developer: 'system' } },
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  dataPolicy: {
    documentation: 'https://cdn.deepseek.com/policies/en-US/deepseek-privacy-policy.html',
  },
  evidence: 'verified',
  documentation: 'https://api-docs.deepseek.com/',
});
