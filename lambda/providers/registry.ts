import { ANTHROPIC } from './anthropic/provider.ts';
import { COHERE } from './cohere/provider.ts';
import type { Provider } from './contract.ts';
import { CUSTOM } from './custom/provider.ts';
import { JINA } from './jina/provider.ts';
import { OPENAI } from './openai/provider.ts';
import { SIM } from './sim/provider.ts';
import { SIM_ANTHROPIC } from './sim-anthropic/provider.ts';
import { VOYAGE } from './voyage/provider.ts';

/** Every kind of provider Sluice knows. */
export const PROVIDERS: readonly Provider[] = [
  OPENAI,
  ANTHROPIC,
  COHERE,
  VOYAGE,
  JINA,
  CUSTOM,
  SIM,
  SIM_ANTHROPIC,
];

/** The provider of a kind (`openai`); `undefined` where there is none. */
export const findProvider = (kind: string): Provider | undefined => PROVIDERS.find(({ id }) => id === kind);
