import { defineGateway } from '../lambda/config/define-gateway.ts';

const price = { promptUsdPerMillion: 1, completionUsdPerMillion: 4 };

/** The gateway whose work for each chunk is measured: one provider of each dialect. */
// biome-ignore lint/style/noDefaultExport: a gateway's configuration is the default export of its file
export default defineGateway({
  providers: { openai: {}, anthropic: {}, gemini: {}, bedrock: { baseUrl: 'http://127.0.0.1' }, cohere: {} },
  prices: {
    'openai/mock*': price,
    'anthropic/mock*': price,
    'gemini/mock*': price,
    'bedrock/mock*': price,
    'cohere/mock*': price,
  },
});
