import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

/** @see https://docs.anthropic.com/en/api/versioning */
const API_VERSION = '2023-06-01';

export const ANTHROPIC: Provider = {
  id: providerId('anthropic'),
  name: 'Anthropic',
  apis: [
    { dialect: 'anthropic-messages', path: () => '/v1/messages' },
    { dialect: 'anthropic-count-tokens', path: () => '/v1/messages/count_tokens' },
  ],
  baseUrl: 'https://api.anthropic.com',
  credentialVariable: 'ANTHROPIC_API_KEY',
  // The version stands in for callers that name none; one that is forwarded comes after it and wins.
  authHeaders: (credential) => ({ 'x-api-key': credential, 'anthropic-version': API_VERSION }),
  forwardedHeaders: ['anthropic-version', 'anthropic-beta'],
  /** @see https://platform.claude.com/docs/en/api/messages */
  takesNoOutput: true,
  /**
   * Larger pictures are scaled down to this many (models since Claude Opus 4.7; 1,568 before).
   * @see https://platform.claude.com/docs/en/build-with-claude/vision
   */
  imageTokensBound: 4_784,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: true,
  dataPolicy: {
    trains: false,
    retentionDays: 30,
    regions: undefined,
    documentation:
      'https://privacy.claude.com/en/articles/7996866-how-long-do-you-store-my-organization-s-data',
  },
  evidence: 'verified',
  documentation: 'https://docs.anthropic.com/en/api/messages',
};
