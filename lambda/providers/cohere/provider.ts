import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

export const COHERE: Provider = {
  id: providerId('cohere'),
  name: 'Cohere',
  apis: [
    { dialect: 'cohere-rerank', path: () => '/v2/rerank' },
  ],
  baseUrl: 'https://api.cohere.com',
  credentialVariable: 'COHERE_API_KEY',
  authHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  forwardedHeaders: [],
  imageTokensBound: undefined,
  cancelStopsBilling: undefined,
  dataPolicy: {
    trains: undefined,
    retentionDays: undefined,
    documentation: 'https://docs.cohere.com/docs/data-statement',
  },
  documentation: 'https://docs.cohere.com/reference/rerank',
};
