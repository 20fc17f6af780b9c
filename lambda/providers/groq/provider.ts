import { openaiCompatible, REASONING_SENT_BACK } from '../openai-compatible.ts';

export const GROQ = openaiCompatible({
  id: 'groq',
  name: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  credentialVariable: 'GROQ_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
  },
  quirks: {
    /** @see https://github.com/janhq/jan/issues/8136 */
    'openai-chat': { dropWithin: REASONING_SENT_BACK },
  },
  /** @see https://console.groq.com/docs/api-reference#chat-create */
  maxOutputTokensField: 'max_completion_tokens',
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  // Kept only for batches and fine-tuning, and where a fault or abuse is looked into.
  dataPolicy: {
    retentionDays: 0,
    documentation: 'https://console.groq.com/docs/your-data',
  },
  evidence: 'verified',
  documentation: 'https://console.groq.com/docs/openai',
});
