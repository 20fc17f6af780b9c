import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';
import { IMAGE_TOKENS } from '../simulation/tokens.ts';

/** A provider within the process that speaks Anthropic's format. Its answers come from `simulateMessages`. */
export const SIM_ANTHROPIC: Provider = {
  id: providerId('sim-anthropic'),
  name: 'Simulated (Anthropic format)',
  apis: [{ dialect: 'anthropic-messages', path: () => '/v1/messages' }],
  baseUrl: 'simulation://sim-anthropic',
  credentialVariable: undefined,
  authHeaders: () => ({}),
  forwardedHeaders: [],
  imageTokensBound: IMAGE_TOKENS,
  cancelStopsBilling: true,
  dataPolicy: {
    trains: false,
    retentionDays: 0,
    regions: undefined,
    documentation: 'https://docs.anthropic.com/en/api/messages',
  },
  evidence: 'declared',
  documentation: 'https://docs.anthropic.com/en/api/messages',
};
