import { femtoFromUsdPerMillion } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';

/**
 * The built-in providers that answer without a network: one for each of two wire formats. They are always there on a local
 * server, so that a configuration may name them without declaring them.
 */
export const SIMULATED: ReadonlySet<string> = new Set(['sim', 'sim-anthropic']);

const listed = (promptUsdPerMillion: string, completionUsdPerMillion: string): Price => ({
  mode: 'chat',
  version: 'simulated',
  standard: {
    rates: {
      prompt: femtoFromUsdPerMillion(promptUsdPerMillion),
      completion: femtoFromUsdPerMillion(completionUsdPerMillion),
    },
    longContext: [],
  },
  tiers: {},
  contextTokens: 200_000,
  maxOutputTokens: 16_384,
  capabilities: ['tools', 'vision'],
});

const MODELS: ReadonlyMap<string, Price> = new Map([
  ['echo', listed('0.10', '0.40')],
  ['frontier', listed('15', '75')],
  ['small', listed('0.10', '0.50')],
  ['tools', listed('2', '8')],
  ['slow', listed('2', '8')],
  ['flaky', listed('2', '8')],
]);

const followingSchemas = ([model, price]: readonly [string, Price]): [string, Price] => [
  model,
  { ...price, capabilities: [...price.capabilities, 'structured-output'] },
];

/** The provider that speaks OpenAI's formats follows schemas, and has an embedding model. */
const SIM_MODELS: ReadonlyMap<string, Price> = new Map([
  ...[...MODELS].map(followingSchemas),
  [
    'embed',
    {
      ...listed('0.02', '0'),
      mode: 'embedding',
      contextTokens: 8_192,
      capabilities: [],
    },
  ],
]);

const NO_MODELS: ReadonlyMap<string, Price> = new Map();

/** What the models of a simulated provider cost; none for any other provider. Nobody is billed, but budgets count it. */
export function simulatedPrices(provider: string): ReadonlyMap<string, Price> {
  if (provider === 'sim') return SIM_MODELS;
  return SIMULATED.has(provider) ? MODELS : NO_MODELS;
}
