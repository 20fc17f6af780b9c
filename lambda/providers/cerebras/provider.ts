import { openaiCompatible, REASONING_SENT_BACK } from '../openai-compatible.ts';

export const CEREBRAS = openaiCompatible({
  id: 'cerebras',
  name: 'Cerebras',
  baseUrl: 'https://api.cerebras.ai/v1',
  credentialVariable: 'CEREBRAS_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
  },
  quirks: {
    /** @see https://github.com/anomalyco/opencode/issues/33413 */
    'openai-chat': { dropWithin: REASONING_SENT_BACK },
  },
  /** @see https://inference-docs.cerebras.ai/api-reference/chat-completions */
  maxOutputTokensField: 'max_completion_tokens',
  /** @see https://inference-docs.cerebras.ai/capabilities/reasoning */
  reasoningField: 'reasoning',
  evidence: 'verified',
  documentation: 'https://inference-docs.cerebras.ai/resources/openai',
});
