import { providerId } from '../../domain/ids.ts';
import type { Provider } from '../contract.ts';

/** `openai.gpt-oss-120b-1:0`, also behind a region's profile (`us.openai.…`). */
const OPENAI_MODELS = /^(?:[a-z]+\.)?openai\./;
/** Its open models answer in the Responses format at another endpoint of Amazon's only. */
const RESPONSES_MODELS = /^(?:[a-z]+\.)?openai\.(?!gpt-oss)/;

export const BEDROCK: Provider = {
  id: providerId('bedrock'),
  name: 'Amazon Bedrock',
  apis: [
    /** @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html */
    { dialect: 'openai-chat', models: OPENAI_MODELS, path: () => '/openai/v1/chat/completions' },
    /** @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html */
    { dialect: 'openai-responses', models: RESPONSES_MODELS, path: () => '/openai/v1/responses' },
    {
      dialect: 'bedrock-converse',
      path: (model, stream) =>
        `/model/${encodeURIComponent(model)}/${stream ? 'converse-stream' : 'converse'}`,
    },
  ],
  baseUrl: undefined,
  exampleBaseUrl: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
  /**
   * A Bedrock API key. Without one, calls are signed with the function's own role.
   * @see https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
   */
  credentialVariable: 'AWS_BEARER_TOKEN_BEDROCK',
  credentialIsOptional: true,
  signing: 'aws-sigv4',
  authHeaders: (credential): Record<string, string> =>
    credential === '' ? {} : { authorization: `Bearer ${credential}` },
  forwardedHeaders: [],
  imageTokensBound: undefined,
  /** @see https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  cancelStopsBilling: false,
  dataPolicy: {
    trains: false,
    // Most models keep nothing; those that do are listed. @see https://docs.aws.amazon.com/bedrock/latest/userguide/abuse-detection.html
    retentionDays: 30,
    regions: undefined,
    documentation: 'https://docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html',
  },
  evidence: 'verified',
  documentation: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html',
};
