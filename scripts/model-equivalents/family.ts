/** Regions of Bedrock's profiles, which stand before the name of the model that answers. */
const BEDROCK_PROFILE = /^(?:us-gov|us|eu|apac|au|ca|jp|global)\./;
/** Who made a model, in Bedrock's names. */
const BEDROCK_MAKER =
  /^(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|zai)\./;

/** Names that stand for another model from time to time, or that several models share: nobody's equal. */
const AMBIGUOUS: readonly RegExp[] = [
  /-latest\b/,
  /^(?:command-r(?:-plus)?|mistral-(?:large|medium|small|nemo)|mistral-7b-instruct|deepseek-chat)$/,
  /^gpt-[\d-]+-chat$/,
  // Each provider's own way to make a model faster.
  /-(?:turbo|lightning|highspeed|fast)$/,
  // What judges texts, speaks, or moves arms is no stand-in for what chats.
  /guard|-tts|robotics/,
];

/** Dates of Anthropic's snapshots where a version had but one, so that the date says nothing. Claude 3.5 Sonnet had two. */
const ONLY_SNAPSHOT: Readonly<Record<string, string>> = {
  'claude-haiku-3': '20240307',
  'claude-opus-3': '20240229',
  'claude-sonnet-3': '20240229',
  'claude-haiku-3-5': '20241022',
  'claude-sonnet-3-7': '20250219',
};

/** Other names of the same weights, reviewed by hand. */
const ALIASES: Readonly<Record<string, string>> = {
  // Groq's names. @see https://console.groq.com/docs/models
  'llama-3-3-70b-versatile': 'llama-3-3-70b-instruct',
  'llama-3-1-8b-instant': 'llama-3-1-8b-instruct',
  // Cerebras and Snowflake serve the instruction-tuned ones.
  'llama-3-3-70b': 'llama-3-3-70b-instruct',
  'llama-3-1-70b': 'llama-3-1-70b-instruct',
  'llama-3-1-8b': 'llama-3-1-8b-instruct',
  'llama-4-maverick': 'llama-4-maverick-17b-128e-instruct',
  'llama-4-maverick-17b-instruct': 'llama-4-maverick-17b-128e-instruct',
  'llama-4-scout-17b-instruct': 'llama-4-scout-17b-16e-instruct',
  'mixtral-8x7b-instruct-v0-1': 'mixtral-8x7b-instruct',
  'qwen3-235b-a22b-2507': 'qwen3-235b-a22b-instruct-2507',
  // Bedrock counts versions of its own.
  'gpt-oss-120b-1': 'gpt-oss-120b',
  'gpt-oss-20b-1': 'gpt-oss-20b',
};

/**
 * The family of a provider's model: models of one family are the same weights under the same version. `undefined` where the
 * name leaves that open.
 */
export function familyOf(provider: string, model: string): string | undefined {
  const name = plainName(provider, model.toLowerCase());
  if (name === undefined) return undefined;
  const family = name.startsWith('claude-') ? claudeFamily(name) : (ALIASES[name] ?? name);
  return family === undefined || AMBIGUOUS.some((pattern) => pattern.test(family)) ? undefined : family;
}

/** The name without what is the provider's own in it: publishers, profiles, marks of its catalogue. */
function plainName(provider: string, model: string): string | undefined {
  switch (provider) {
    case 'bedrock':
      return bedrockName(model);
    case 'fireworks':
      // Models without an account before them are none that can be called.
      return model.startsWith('accounts/fireworks/models/')
        ? spelled(lastPart(model).replaceAll(/(\d)p(\d)/g, '$1-$2'))
        : undefined;
    case 'anthropic':
      // `claude-4-opus-20250514` is a name of the source's own.
      return /^claude-4-/.test(model) ? undefined : spelled(model);
    case 'deepseek':
      // Older versions are no names of its API, only of its price list. @see https://api-docs.deepseek.com/quick_start/pricing
      return model.startsWith('deepseek-v4-') ? spelled(model) : undefined;
    case 'databricks':
      return spelled(model.replace(/^databricks-(?:meta-)?/, ''));
    case 'azure':
    case 'azure-ai':
      // `@eu`: the price of a region.
      return model.includes('@') ? undefined : spelled(lastPart(model));
    case 'vertex':
      return vertexName(model);
    default:
      return spelled(lastPart(model));
  }
}

function bedrockName(model: string): string | undefined {
  const made = model.replace(BEDROCK_PROFILE, '');
  if (!BEDROCK_MAKER.test(made) || made.includes('@')) return undefined;
  return spelled(made.replace(BEDROCK_MAKER, '').replace(/(?:-v\d+)?(?::\d+)*$/, ''));
}

/** `claude-opus-4-5@20251101`, `claude-opus-5@default`, `meta/llama-…-maas`. */
function vertexName(model: string): string | undefined {
  const [name = '', version] = lastPart(model).split('@');
  const plain = spelled(name.replace(/-maas$/, ''));
  if (version === undefined || version === 'default') return plain;
  return /^\d{8}$/.test(version) ? `${plain}-${version}` : undefined;
}

const lastPart = (model: string): string => model.slice(model.lastIndexOf('/') + 1);

const spelled = (name: string): string =>
  name
    .replaceAll('.', '-')
    .replace(/^meta-llama-/, 'llama-')
    .replace(/^llama-?v?(?=\d)/, 'llama-');

/** `claude-3-5-haiku-20241022` and `claude-haiku-4-5` name version and size in two orders. */
function claudeFamily(name: string): string | undefined {
  const [, undated = name, date] = /^(.+?)-(20\d{6})$/.exec(name) ?? [];
  const family = undated.replace(/^claude-(\d+(?:-\d)?)-(haiku|sonnet|opus)(?=-|$)/, 'claude-$2-$1');
  if (family === 'claude-sonnet-3-5' || family === 'claude-sonnet-3-5-v2') return undefined;
  const isNewer = !/-3(?:-\d)?$/.test(family);
  return date === undefined || isNewer || ONLY_SNAPSHOT[family] === date ? family : undefined;
}
