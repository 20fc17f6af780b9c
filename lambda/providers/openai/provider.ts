import { openaiCompatible } from '../openai-compatible.ts';

/**
 * All but those that OpenAI serves by its Responses API only.
 * @see https://platform.openai.com/docs/models
 */
const ANSWERS_CHATS = /^(?!.*(?:-pro|codex|deep-research|computer-use))/;

export const OPENAI = openaiCompatible({
  id: 'openai',
  name: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  credentialVariable: 'OPENAI_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'openai-moderations': '/moderations',
    'openai-images': '/images/generations',
    'openai-speech': '/audio/speech',
    'openai-transcriptions': '/audio/transcriptions',
  },
  models: { 'openai-chat': ANSWERS_CHATS },
  // Not the organization and project headers: they choose who pays, which is the operator's to say.
  forwardedHeaders: ['openai-beta'],
  maxOutputTokensField: undefined,
  /**
   * gpt-4o-mini's tiles: 2,833 + 5,667 for each of at most 8 (2048 × 768 pixels). Models that count patches stay below: at
   * most 30,000 of them at 1.2 tokens, or at most 10,000 where the picture is scaled down.
   * @see https://developers.openai.com/api/docs/guides/images-vision#calculating-costs
   */
  imageTokensBound: 48_169,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  dataPolicy: {
    trains: false,
    retentionDays: 30,
    documentation: 'https://platform.openai.com/docs/guides/your-data',
  },
  knowsDeveloperRole: true,
  evidence: 'verified',
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
});
