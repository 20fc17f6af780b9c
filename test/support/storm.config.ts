import { defineGateway } from '../../lambda/config/define-gateway.ts';

/** For `budget-storm.ts`: the mock upstream's models have a price, so that hard budgets hold them. */
// biome-ignore lint/style/noDefaultExport: an operator's configuration is one
export default defineGateway({
  providers: { openai: {} },
  prices: {
    'openai/mock*': { promptUsdPerMillion: 0.25, completionUsdPerMillion: 1, maxOutputTokens: 100_000 },
  },
});
