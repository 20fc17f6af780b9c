import { openaiCompatible } from '../openai-compatible.ts';

/** Models are called by the names of their deployments. */
export const AZURE = {
  ...openaiCompatible({
    id: 'azure',
    name: 'Azure OpenAI',
    baseUrl: undefined,
    exampleBaseUrl: 'https://my-resource.openai.azure.com/openai/v1',
    credentialVariable: 'AZURE_OPENAI_API_KEY',
    speaks: {
      'openai-chat': '/chat/completions',
      'openai-responses': '/responses',
      'openai-completions': '/completions',
      'openai-embeddings': '/embeddings',
    },
    maxOutputTokensField: undefined,
    /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
    cancelStopsBilling: true,
    dataPolicy: {
      trains: false,
      retentionDays: 30,
      documentation: 'https://learn.microsoft.com/azure/ai-foundry/responsible-ai/openai/data-privacy',
    },
    knowsDeveloperRole: true,
    evidence: 'verified',
    documentation: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle',
  }),
  /** @see https://learn.microsoft.com/azure/ai-foundry/openai/reference#authentication */
  authHeaders: (credential: string) => ({ 'api-key': credential }),
};
