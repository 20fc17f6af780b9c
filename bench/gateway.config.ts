import { defineGateway } from '../lambda/config/define-gateway.ts';

const price = { promptUsdPerMillion: 1, completionUsdPerMillion: 4 };

/** The gateway that is measured: two providers, whose models have prices, so that hard budgets apply. */
// biome-ignore lint/style/noDefaultExport: a gateway's configuration is the default export of its file
export default defineGateway({
  providers: { openai: {}, anthropic: {} },
  prices: { 'openai/mock*': price, 'anthropic/mock*': price },
});
