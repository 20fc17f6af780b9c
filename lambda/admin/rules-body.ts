import * as z from 'zod/mini';
import { type Budget, DEFAULT_SOFT_LIMITS, type LimitedTo } from '../domain/money/budget.ts';
import { nanoFromUsd } from '../domain/money/nano.ts';
import { BUDGET_WINDOWS } from '../domain/money/window.ts';
import type { RateLimit, ScopeRules } from '../domain/scope-settings.ts';
import { facetOf } from '../domain/scopes-of-request.ts';
import { dollars, entries, line, list, objectMessage, pattern, whole } from './body-schema.ts';

const MAX_LIMITS = 50;
const MAX_RATE = 1e9;

const providerName = pattern(/^[a-z][a-z0-9-]{0,63}$/, 'must be the name of a provider, such as openai');

// Such names become part of a counter's key, in which "|" and "," divide.
const limitedModel = pattern(
  /^[a-z][a-z0-9-]{0,63}\/(?:[!-)+\-.-{}~]{1,200}\*?|\*)$/,
  'must be provider/model, such as openai/gpt-5, or the beginning of one and *, such as openai/*',
);

/** What a limit can be narrowed to. */
export const LIMITED_TO = { model: z.nullish(limitedModel), provider: z.nullish(providerName) };

const softLimitMessage = 'must be a share of the limit above 0 and below 1, such as 0.8';

const budgetAmount = {
  limit_usd: dollars(),
  window: z.enum(BUDGET_WINDOWS, `must be one of ${BUDGET_WINDOWS.join(', ')}`),
  mode: z.optional(z.enum(['hard', 'soft'], 'must be hard or soft')),
  soft_limits: z.optional(
    z
      .array(
        z.number(softLimitMessage).check(z.gt(0, softLimitMessage), z.lt(1, softLimitMessage)),
        'must be a list of shares of the limit',
      )
      .check(z.maxLength(10, 'must have at most 10 shares')),
  ),
};

const budgetMessage = objectMessage('must be an object with limit_usd and window');

/** A budget on everything. */
export const wholeBudget = z.strictObject(budgetAmount, { error: budgetMessage });
const budget = z.strictObject({ ...budgetAmount, ...LIMITED_TO }, { error: budgetMessage });

const rateLimit = z
  .strictObject(
    {
      requests_per_minute: z.nullish(whole(1, MAX_RATE)),
      tokens_per_minute: z.nullish(whole(1, MAX_RATE)),
      concurrent_requests: z.nullish(whole(1, MAX_RATE)),
      ...LIMITED_TO,
    },
    {
      error: objectMessage(
        'must be an object with requests_per_minute, tokens_per_minute or concurrent_requests, or a list of such',
      ),
    },
  )
  .check(
    z.refine(
      (limit) => (limit.requests_per_minute ?? limit.tokens_per_minute ?? limit.concurrent_requests) != null,
      'must have requests_per_minute, tokens_per_minute or concurrent_requests',
    ),
  );

const budgets = z.nullish(
  z.array(budget, 'must be a list of budgets').check(
    z.maxLength(MAX_LIMITS, `must have at most ${MAX_LIMITS} budgets`),
    z.refine(
      (items) => areDifferent(items, (item) => `${item.window} ${facetName(item)}`),
      'must have at most one budget for each window, model and provider',
    ),
  ),
);

const rateLimits = z.optional(
  z.pipe(
    z.transform((given: unknown) => (given === null || Array.isArray(given) ? given : [given])),
    z.nullable(
      z.array(rateLimit).check(
        z.maxLength(MAX_LIMITS, `must have at most ${MAX_LIMITS} limits`),
        z.refine(
          (items) => areDifferent(items, facetName),
          'must have at most one for each model and provider',
        ),
      ),
    ),
  ),
);

/** What a body may say of any scope, virtual keys included. */
export const RULE_FIELDS = {
  models: list(line()),
  providers: list(providerName),
  budgets,
  rate_limits: rateLimits,
  increases: z.optional(
    z.null('can only be taken back here, with null; POST /admin/budgets/{scope}/increase makes one'),
  ),
  metadata: entries,
};

const rulesSchema = z.object(RULE_FIELDS);
type RulesChange = z.output<typeof rulesSchema>;

type Rules = ScopeRules & { readonly metadata: Readonly<Record<string, string>> };

/** Rules as a body changes them: what is given replaces the old whole, null clears it. Increases that are over go. */
export const changedRules = (before: Rules, change: RulesChange, nowMs: number): Rules => ({
  models: unique(replaced(before.models, change.models, [])),
  providers: unique(replaced(before.providers, change.providers, [])),
  budgets: change.budgets === undefined ? before.budgets : (change.budgets ?? []).map(facetedBudget),
  increases: change.increases === undefined ? standingIncreases(before, nowMs) : [],
  rateLimits:
    change.rate_limits === undefined ? before.rateLimits : (change.rate_limits ?? []).map(rateLimitFrom),
  metadata: replaced(before.metadata, change.metadata, {}),
});

/** Increases that are not over yet. */
export const standingIncreases = (rules: ScopeRules, nowMs: number): ScopeRules['increases'] =>
  rules.increases.filter(({ expiresAtMs }) => nowMs < expiresAtMs);

/** What a field becomes: the old where none is given, the empty one for null. */
export const replaced = <Value>(before: Value, change: Value | null | undefined, empty: Value): Value =>
  change === undefined ? before : (change ?? empty);

/** The budget on everything that a body describes. */
export const budgetFrom = (item: z.output<typeof wholeBudget>): Budget => ({
  window: item.window,
  limit: nanoFromUsd(item.limit_usd),
  mode: item.mode ?? 'hard',
  softLimits: [...new Set(item.soft_limits ?? DEFAULT_SOFT_LIMITS)].sort((a, b) => a - b),
});

const facetedBudget = (item: z.output<typeof budget>): Budget => ({
  ...budgetFrom(item),
  ...facetGiven(item),
});

const rateLimitFrom = (item: z.output<typeof rateLimit>): RateLimit => ({
  ...(item.requests_per_minute != null && { requestsPerMinute: item.requests_per_minute }),
  ...(item.tokens_per_minute != null && { tokensPerMinute: item.tokens_per_minute }),
  ...(item.concurrent_requests != null && { concurrentRequests: item.concurrent_requests }),
  ...facetGiven(item),
});

interface FacetGiven {
  readonly model?: string | null | undefined;
  readonly provider?: string | null | undefined;
}

/** What a body narrows a limit to. */
export const facetGiven = ({ model, provider }: FacetGiven): LimitedTo => ({
  ...(model != null && { model }),
  ...(provider != null && { provider }),
});

const facetName = (given: FacetGiven): string => facetOf(facetGiven(given)) ?? '';

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)];

const areDifferent = <Item>(items: readonly Item[], nameOf: (item: Item) => string): boolean =>
  new Set(items.map(nameOf)).size === items.length;
