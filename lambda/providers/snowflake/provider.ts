import { openaiCompatible } from '../openai-compatible.ts';

export const SNOWFLAKE = openaiCompatible({
  id: 'snowflake',
  name: 'Snowflake Cortex',
  baseUrl: undefined,
  exampleBaseUrl: 'https://myorg-myaccount.snowflakecomputing.com/api/v2/cortex/v1',
  credentialVariable: 'SNOWFLAKE_PAT',
  speaks: {
    'openai-chat': '/chat/completions',
    'anthropic-messages': '/messages',
  },
  models: { 'anthropic-messages': /^claude-/ },
  /** @see https://docs.snowflake.com/en/user-guide/snowflake-cortex/open_ai_sdk */
  maxOutputTokensField: 'max_completion_tokens',
  // Inference stays within Snowflake: it runs where the account does.
  dataPolicy: {
    documentation: 'https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api',
  },
  evidence: 'verified',
  documentation: 'https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api',
});
