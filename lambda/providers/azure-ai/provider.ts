import { openaiCompatible } from '../openai-compatible.ts';

/** Models of other makers on Azure. They are called by the names of their deployments. */
export const AZURE_AI = {
  ...openaiCompatible({
    id: 'azure-ai',
    name: 'Azure AI Foundry Models',
    baseUrl: undefined,
    exampleBaseUrl: 'https://my-resource.services.ai.azure.com/openai/v1',
    credentialVariable: 'AZURE_INFERENCE_CREDENTIAL',
    speaks: { 'openai-chat': '/chat/completions', 'openai-embeddings': '/embeddings' },
    evidence: 'declared',
    documentation: 'https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/endpoints',
  }),
  authHeaders: (credential: string) => ({ 'api-key': credential }),
};
