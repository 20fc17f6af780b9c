import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';
import { IMAGE_TOKENS } from '../simulation/tokens.ts';

/** A provider within the process that speaks OpenAI's chat format. Its answers come from `simulateChat`. */
export const SIM: Provider = {
  id: providerId('sim'),
  name: 'Simulated (OpenAI format)',
  apis: [
    { dialect: 'openai-chat', path: () => '/chat/completions' },
    { dialect: 'openai-embeddings', path: () => '/embeddings' },
  ],
  baseUrl: 'simulation://sim',
  credentialVariable: undefined,
  authHeaders: () => ({}),
  forwardedHeaders: [],
  maxOutputTokensField: 'max_completion_tokens',
  imageTokensBound: IMAGE_TOKENS,
  cancelStopsBilling: true,
  dataPolicy: {
    trains: false,
    retentionDays: 0,
    regions: undefined,
    documentation: 'https://platform.openai.com/docs/api-reference/chat',
  },
  evidence: 'declared',
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
};
