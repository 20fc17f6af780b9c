import type { GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { MOCK_USAGE } from './mock/turn.ts';

/** Providers that an agent's conversation can be sent to. */
export type ProviderName = 'anthropic' | 'gemini' | 'openai';

/** How a local gateway is given one of them, at the mock's address. */
export const PROVIDER_ENVIRONMENT: Readonly<
  Record<ProviderName, (mockUrl: string) => Readonly<Record<string, string>>>
> = {
  anthropic: (url) => ({ ANTHROPIC_API_KEY: 'mock-credential', SLUICE_ANTHROPIC_BASE_URL: url }),
  gemini: (url) => ({ GEMINI_API_KEY: 'mock-credential', SLUICE_GEMINI_BASE_URL: url }),
  openai: (url) => ({ OPENAI_API_KEY: 'mock-credential', SLUICE_OPENAI_BASE_URL: `${url}/v1` }),
};

export const PROVIDER_NAMES: readonly ProviderName[] = ['anthropic', 'gemini', 'openai'];

/** What the mocks' models cost, in dollars per million tokens: odd numbers, so that no two sums are equal by chance. */
const PRICE = {
  promptUsdPerMillion: 3,
  completionUsdPerMillion: 17,
  cacheReadUsdPerMillion: 0.5,
  contextTokens: 400_000,
  maxOutputTokens: 128_000,
};

/** What one answer of the mock costs at that price, in dollars. */
export const CALL_COST_USD =
  (MOCK_USAGE.uncachedPrompt * PRICE.promptUsdPerMillion +
    MOCK_USAGE.cacheRead * PRICE.cacheReadUsdPerMillion +
    MOCK_USAGE.completion * PRICE.completionUsdPerMillion) /
  1_000_000;

/** The configuration under which every name an agent asks for reaches one provider. */
export const definitionFor = (provider: ProviderName, models: readonly string[]): GatewayDefinition => ({
  providers: { [provider]: {} },
  modelGroups: Object.fromEntries(
    models.map((name) => [name, { deployments: [{ provider, model: MOCK_MODEL }] }]),
  ),
  prices: { [`${provider}/${MOCK_MODEL}`]: PRICE },
});

const MOCK_MODEL = 'mock-agent-model';
