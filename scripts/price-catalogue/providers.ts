/** Where a key of the source belongs: `model` is `undefined` for what is no model's name. */
export interface Place {
  readonly provider: string;
  readonly model: string | undefined;
}

interface Origin {
  readonly provider: string;
  /** What the source writes before the provider's own name for a model. */
  readonly prefix: string;
  /** Whether the source also lists models without the prefix; elsewhere such keys are classes of sizes. */
  readonly bare?: boolean;
}

const vertex: Origin = { provider: 'vertex', prefix: 'vertex_ai/', bare: true };

/** The source's names for the providers that are kept, and ours. */
const ORIGINS: Readonly<Record<string, Origin>> = {
  ai21: { provider: 'ai21', prefix: 'ai21/', bare: true },
  anthropic: { provider: 'anthropic', prefix: 'anthropic/', bare: true },
  azure: { provider: 'azure', prefix: 'azure/', bare: true },
  azure_text: { provider: 'azure', prefix: 'azure/' },
  azure_ai: { provider: 'azure-ai', prefix: 'azure_ai/' },
  bedrock: { provider: 'bedrock', prefix: 'bedrock/', bare: true },
  bedrock_converse: { provider: 'bedrock', prefix: 'bedrock/', bare: true },
  cerebras: { provider: 'cerebras', prefix: 'cerebras/' },
  cloudflare: { provider: 'cloudflare', prefix: 'cloudflare/' },
  cohere: { provider: 'cohere', prefix: 'cohere/', bare: true },
  cohere_chat: { provider: 'cohere', prefix: 'cohere/', bare: true },
  dashscope: { provider: 'dashscope', prefix: 'dashscope/' },
  databricks: { provider: 'databricks', prefix: 'databricks/' },
  deepinfra: { provider: 'deepinfra', prefix: 'deepinfra/' },
  deepseek: { provider: 'deepseek', prefix: 'deepseek/', bare: true },
  fireworks_ai: { provider: 'fireworks', prefix: 'fireworks_ai/' },
  'fireworks_ai-embedding-models': { provider: 'fireworks', prefix: 'fireworks_ai/' },
  gemini: { provider: 'gemini', prefix: 'gemini/', bare: true },
  groq: { provider: 'groq', prefix: 'groq/' },
  hyperbolic: { provider: 'hyperbolic', prefix: 'hyperbolic/' },
  jina_ai: { provider: 'jina', prefix: 'jina_ai/', bare: true },
  minimax: { provider: 'minimax', prefix: 'minimax/' },
  mistral: { provider: 'mistral', prefix: 'mistral/' },
  moonshot: { provider: 'moonshot', prefix: 'moonshot/' },
  nebius: { provider: 'nebius', prefix: 'nebius/' },
  novita: { provider: 'novita', prefix: 'novita/' },
  openai: { provider: 'openai', prefix: 'openai/', bare: true },
  'text-completion-openai': { provider: 'openai', prefix: 'openai/', bare: true },
  openrouter: { provider: 'openrouter', prefix: 'openrouter/' },
  perplexity: { provider: 'perplexity', prefix: 'perplexity/' },
  sambanova: { provider: 'sambanova', prefix: 'sambanova/' },
  snowflake: { provider: 'snowflake', prefix: 'snowflake/' },
  together_ai: { provider: 'together', prefix: 'together_ai/' },
  voyage: { provider: 'voyage', prefix: 'voyage/' },
  xai: { provider: 'xai', prefix: 'xai/' },
  zai: { provider: 'zai', prefix: 'zai/' },
  vertex_ai: vertex,
  'vertex_ai-language-models': vertex,
  'vertex_ai-embedding-models': vertex,
  'vertex_ai-text-models': vertex,
  'vertex_ai-ai21_models': vertex,
  'vertex_ai-anthropic_models': vertex,
  'vertex_ai-deepseek_models': vertex,
  'vertex_ai-llama_models': vertex,
  'vertex_ai-minimax_models': vertex,
  'vertex_ai-mistral_models': vertex,
  'vertex_ai-moonshot_models': vertex,
  'vertex_ai-openai_models': vertex,
  'vertex_ai-qwen_models': vertex,
  'vertex_ai-zai_models': vertex,
};

/** `eu/gpt-5` on Azure, `us-gov-west-1/amazon.nova-pro-v1:0` on Bedrock: a price of one region. */
const REGION: Readonly<Record<string, RegExp>> = {
  azure: /^(eu|us|global|global-standard)\/(.+)$/,
  'azure-ai': /^(global)\/(.+)$/,
  bedrock: /^([a-z]{2}(?:-gov)?-[a-z]+-\d)\/(.+)$/,
};

/** Our place for a key of the source; `undefined` where the provider is not one of ours. `invoke/` is the source's own route. */
export function placeOf(key: string, litellmProvider: unknown): Place | undefined {
  const origin = typeof litellmProvider === 'string' ? ORIGINS[litellmProvider] : undefined;
  if (origin === undefined) return undefined;
  const { provider, prefix, bare } = origin;
  if (key.startsWith(`${prefix}invoke/`)) return { provider, model: undefined };
  if (key.startsWith(prefix)) return { provider, model: withRegionLast(provider, key.slice(prefix.length)) };
  return { provider, model: bare === true ? key : undefined };
}

/** A region stands after the model's name, as it does in a deployment's: `gpt-5@eu`. */
function withRegionLast(provider: string, name: string): string {
  const [, region, model] = REGION[provider]?.exec(name) ?? [];
  return region === undefined || model === undefined ? name : `${model}@${region}`;
}
