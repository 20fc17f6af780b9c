import { openaiCompatible, REASONING_SENT_BACK } from '../openai-compatible.ts';

export const MISTRAL = openaiCompatible({
  id: 'mistral',
  name: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  credentialVariable: 'MISTRAL_API_KEY',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-embeddings': '/embeddings',
  },
  quirks: {
    /**
     * Unknown members are refused. Usage is in every stream without being asked for; the seed has a name of its own.
     * @see https://docs.mistral.ai/api/#tag/chat/operation/chat_completion_v1_chat_completions_post
     * @see https://github.com/avante-corp/avante.nvim/issues/2347 (stream_options)
     * @see https://github.com/michelle-avery/openai-compatible-conversation/issues/26 (user)
     * @see https://github.com/BerriAI/litellm/issues/30835 (reasoning that is sent back)
     * @see https://github.com/anomalyco/opencode/issues/1680 (ids of calls)
     * @see https://github.com/avante-corp/avante.nvim/pull/2695 (who speaks after a tool)
     */
    'openai-chat': {
      remove: ['stream_options'],
      drop: ['user'],
      dropWithin: REASONING_SENT_BACK,
      callIdLength: 9,
      answerBetween: 'Understood.',
      rename: { seed: 'random_seed' },
    },
  },
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  // The paid API, unless its customer opts in; what is kept is for abuse monitoring.
  dataPolicy: {
    trains: false,
    retentionDays: 30,
    regions: ['eu'],
    documentation: 'https://legal.mistral.ai/terms/privacy-policy',
  },
  evidence: 'verified',
  documentation: 'https://docs.mistral.ai/api/',
});
