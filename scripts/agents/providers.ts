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

/** What becomes of what a provider cannot express, as an operator sets it. */
export type Unsupported = 'reject' | 'drop';

/** The configuration under which every name an agent asks for reaches one provider. */
export const definitionFor = (
  provider: ProviderName,
  models: readonly string[],
  unsupportedParameters: Unsupported,
): GatewayDefinition => ({
  providers: { [provider]: {} },
  unsupportedParameters,
  modelGroups: Object.fromEntries(
    models.map((name) => [name, { deployments: [{ provider, model: UPSTREAM_MODEL[provider] }] }]),
  ),
  prices: { [`${provider}/${UPSTREAM_MODEL[provider]}`]: PRICE },
});

/** Names that the providers know, as what may be sent to a model depends on its name. */
const UPSTREAM_MODEL: Readonly<Record<ProviderName, string>> = {
  anthropic: 'claude-opus-5-5',
  gemini: 'gemini-3-pro-preview',
  openai: 'gpt-5',
};
