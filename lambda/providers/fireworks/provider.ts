import { openaiCompatible } from '../openai-compatible.ts';

export const FIREWORKS = openaiCompatible({
  id: 'fireworks',
  name: 'Fireworks AI',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  credentialVariable: 'FIREWORKS_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  // Of open models. What the Responses API stores, where a caller lets it, goes after 30 days.
  dataPolicy: {
    retentionDays: 0,
    documentation: 'https://docs.fireworks.ai/guides/security_compliance/data_handling',
  },
  evidence: 'declared',
  documentation: 'https://docs.fireworks.ai/tools-sdks/openai-compatibility',
});
