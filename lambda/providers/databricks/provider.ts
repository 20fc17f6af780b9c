import { openaiCompatible } from '../openai-compatible.ts';

export const DATABRICKS = openaiCompatible({
  id: 'databricks',
  name: 'Databricks',
  baseUrl: undefined,
  exampleBaseUrl: 'https://dbc-a1b2345c-d6e7.cloud.databricks.com/serving-endpoints',
  credentialVariable: 'DATABRICKS_TOKEN',
  speaks: {
    'openai-chat': '/chat/completions',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
  },
  evidence: 'verified',
  documentation: 'https://docs.databricks.com/machine-learning/model-serving/score-foundation-models.html',
});
