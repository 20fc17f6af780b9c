import { openaiCompatible } from '../openai-compatible.ts';

export const DEEPINFRA = openaiCompatible({
  id: 'deepinfra',
  name: 'DeepInfra',
  baseUrl: 'https://api.deepinfra.com',
  credentialVariable: 'DEEPINFRA_TOKEN',
  speaks: {
    'openai-chat': '/v1/openai/chat/completions',
    'anthropic-messages': '/anthropic/v1/messages',
    'openai-completions': '/v1/openai/completions',
    'openai-embeddings': '/v1/openai/embeddings',
    'openai-images': '/v1/openai/images/generations',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  // But pictures that were made are kept for a short time, and models of Google and Anthropic are under the policies of these.
  dataPolicy: {
    retentionDays: 0,
    documentation: 'https://deepinfra.com/docs/data',
  },
  evidence: 'declared',
  documentation: 'https://docs.deepinfra.com/api-reference/chat-completions/openai-chat-completions',
});
