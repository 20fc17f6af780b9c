import { openaiCompatible } from '../openai-compatible.ts';

export const AI21 = openaiCompatible({
  id: 'ai21',
  name: 'AI21',
  baseUrl: 'https://api.ai21.com/studio/v1',
  credentialVariable: 'AI21_API_KEY',
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  evidence: 'declared',
  documentation: 'https://docs.ai21.com/reference/jamba-1-6-api-ref',
});
