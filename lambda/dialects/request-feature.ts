/**
 * What a request can ask for beside plain text, by the one name that every dialect gives it. A dialect spells it its own way
 * towards callers (`spellings`), and says why it cannot express it towards a provider (`inexpressible`).
 */
export const REQUEST_FEATURES = {
  audio: 'sound as input',
  cache_hints: 'hints where the prompt may be cached',
  conversation: 'a conversation of several turns',
  custom_tools: 'tools that take free text',
  file: 'a file, in its own bytes',
  file_url: 'a file by its address',
  frequency_penalty: 'fewer repetitions, by how often a token was used',
  hosted_tools: 'tools that the provider of another dialect runs',
  image: 'a picture, in its own bytes',
  image_detail: 'how closely a picture is looked at',
  image_url: 'a picture by its address',
  json_mode: 'an answer that is JSON of any shape',
  json_schema: 'an answer that follows a JSON Schema',
  logit_bias: 'likelier or unlikelier tokens',
  logprobs: 'the log probabilities of the answer’s tokens',
  max_output_tokens: 'the bound on the answer’s length',
  metadata: 'labels of the request',
  n: 'several answers to one request',
  native_content: 'content that only its own dialect knows',
  parallel_tool_calls: 'several tool calls in one turn, or not',
  participant_name: 'which of several participants speaks',
  presence_penalty: 'fewer repetitions, by whether a token was used',
  provider_file: 'a file that a provider keeps',
  reasoning: 'how much the model may think',
  reasoning_content: 'reasoning of an earlier answer, sent back',
  reasoning_display: 'whether the model’s reasoning is shown',
  seed: 'the same answer again',
  service_tier: 'how fast, or how cheaply, the request is served',
  stop: 'texts that end the answer',
  strict_tools: 'tool arguments that follow their schema without fail',
  temperature: 'how freely tokens are drawn',
  tool_arguments: 'a tool call’s arguments that are no JSON object',
  tool_choice: 'whether and which tool is called',
  tool_result_media: 'pictures or files in a tool’s result',
  tool_schema: 'a part of a tool’s schema',
  tools: 'tools that the caller runs',
  top_k: 'how many tokens are drawn from',
  top_logprobs: 'the likeliest other tokens',
  top_p: 'the share of probability that is drawn from',
  user: 'the end user',
  verbosity: 'how wordy the answer is',
} as const satisfies Record<string, string>;

export type RequestFeature = keyof typeof REQUEST_FEATURES;

/** Something asked for that was not said. */
export interface LeftOutFeature {
  readonly feature: RequestFeature;
  /** Which one, where there can be several: a tool's name, a kind of content. */
  readonly detail?: string;
}

/** Collects what an encoder leaves out, each thing once. */
export class LeftOut {
  readonly #unsupported = new Map<string, LeftOutFeature>();
  readonly #omitted = new Map<string, LeftOutFeature>();

  /** What the caller asked for and will not get: it is refused, unless the caller would rather have it dropped. */
  refuse(feature: RequestFeature, detail?: string): void {
    add(this.#unsupported, feature, detail);
  }

  /** What takes nothing from the answer (a hint, another provider's proof): dropped and named, never refused. */
  omit(feature: RequestFeature, detail?: string): void {
    add(this.#omitted, feature, detail);
  }

  get unsupported(): readonly LeftOutFeature[] {
    return [...this.#unsupported.values()];
  }

  get omitted(): readonly LeftOutFeature[] {
    return [...this.#omitted.values()];
  }
}

function add(
  features: Map<string, LeftOutFeature>,
  feature: RequestFeature,
  detail: string | undefined,
): void {
  features.set(`${feature}:${detail ?? ''}`, { feature, ...(detail !== undefined && { detail }) });
}
