import { rateOf } from '../domain/money/cost.ts';
import { decimalUsd, type FemtoUsdPerToken } from '../domain/money/nano.ts';
import type { ListedModel } from './listed-model.ts';

/** OpenAI's shape, with OpenRouter's additions. @see https://platform.openai.com/docs/api-reference/models/object */
export const openaiModel = (model: ListedModel): object => ({
  id: model.id,
  object: 'model',
  created: 0,
  owned_by: model.ownedBy,
  ...facts(model),
});

/** Anthropic's shape. @see https://docs.anthropic.com/en/api/models-list */
export const anthropicModel = (model: ListedModel): object => ({
  type: 'model',
  id: model.id,
  display_name: model.id,
  created_at: '1970-01-01T00:00:00Z',
  ...facts(model),
});

/** What stands before a model's name in Google's format. */
const GOOGLE_PREFIX = 'models/';

/** Google's shape. @see https://ai.google.dev/api/models#Model */
export const googleModel = (model: ListedModel): object => ({
  name: `${GOOGLE_PREFIX}${model.id}`,
  baseModelId: model.id,
  version: '',
  displayName: model.id,
  description: '',
  ...(model.price?.contextTokens !== undefined && { inputTokenLimit: model.price.contextTokens }),
  ...(model.price?.maxOutputTokens !== undefined && { outputTokenLimit: model.price.maxOutputTokens }),
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  ...(model.price?.capabilities.includes('reasoning') === true && { thinking: true }),
  ...facts(model),
});

/** A model's name as Google's callers write it. */
export const withoutGooglePrefix = (name: string): string =>
  name.startsWith(GOOGLE_PREFIX) ? name.slice(GOOGLE_PREFIX.length) : name;

/** What no format has a place for, in OpenRouter's words where it has any. */
function facts({ price, deployments, equivalents }: ListedModel): object {
  if (price === undefined) return { deployments, equivalents };
  const { rates } = price.standard;
  const { request, webSearchRequest } = price;
  return {
    deployments,
    equivalents,
    mode: price.mode,
    context_length: price.contextTokens ?? null,
    max_completion_tokens: price.maxOutputTokens ?? null,
    capabilities: price.capabilities,
    deprecated_on: price.deprecatedOn ?? null,
    pricing: {
      prompt: usdPerToken(rates.prompt),
      completion: usdPerToken(rates.completion),
      input_cache_read: usdPerToken(rateOf(rates, 'cacheRead')),
      input_cache_write: usdPerToken(rateOf(rates, 'cacheWrite')),
      ...(request !== undefined && { request: decimalUsd(request.most) }),
      ...(webSearchRequest !== undefined && { web_search: decimalUsd(webSearchRequest) }),
    },
  };
}

/** Dollars per token as exact decimal text, as OpenRouter writes prices. */
function usdPerToken(rate: FemtoUsdPerToken): string {
  const digits = rate.toString().padStart(16, '0');
  const text = `${digits.slice(0, -15)}.${digits.slice(-15)}`.replace(/\.?0+$/, '');
  return text === '' ? '0' : text;
}
