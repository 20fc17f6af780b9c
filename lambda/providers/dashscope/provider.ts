import { openaiCompatible } from '../openai-compatible.ts';

export const DASHSCOPE = openaiCompatible({
  id: 'dashscope',
  name: 'Alibaba Cloud Model Studio (DashScope)',
  baseUrl: 'https://dashscope-intl.aliyuncs.com',
  credentialVariable: 'DASHSCOPE_API_KEY',
  speaks: {
    'openai-chat': '/compatible-mode/v1/chat/completions',
    'openai-responses': '/compatible-mode/v1/responses',
    'anthropic-messages': '/apps/anthropic/v1/messages',
    'openai-embeddings': '/compatible-mode/v1/embeddings',
  },
  /** @see https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-dashscope (max_tokens) */
  limitsOnlyAnswer: true,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'verified',
  documentation: 'https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope',
});
