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
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  dataPolicy: {
    documentation: 'https://cdn.deepseek.com/policies/en-US/deepseek-privacy-policy.html',
  },
  /** @see https://api-docs.deepseek.com/guides/thinking_mode#tool-calls */
  reasoningField: 'reasoning_content',
  evidence: 'verified',
  documentation: 'https://api-docs.deepseek.com/',
});
