import { openaiCompatible } from '../openai-compatible.ts';

export const HUGGINGFACE = openaiCompatible({
  id: 'huggingface',
  name: 'Hugging Face Inference Providers',
  baseUrl: 'https://router.huggingface.co/v1',
  credentialVariable: 'HF_TOKEN',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  // Of Hugging Face itself; the provider it routes to has a policy of its own.
  dataPolicy: {
    retentionDays: 0,
    documentation: 'https://huggingface.co/docs/inference-providers/security',
  },
  evidence: 'verified',
  documentation: 'https://huggingface.co/docs/inference-providers/tasks/chat-completion',
});
