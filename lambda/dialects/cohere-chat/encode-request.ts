import type {
  ChatRequest,
  ReasoningOptions,
  ResponseFormat,
  Tool,
  ToolChoice,
} from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { refuseAsked } from '../asked-features.ts';
import { hasCacheHints } from '../cache-hints.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { defined } from '../loose.ts';
import { LeftOut } from '../request-feature.ts';
import { encodeMessages } from './encode-messages.ts';
import { withoutProofs } from './moved-messages.ts';
import { DIALECT_ID } from './wire.ts';

type FunctionTool = Extract<Tool, { readonly type: 'function' }>;

/**
 * The caller's own body, for a provider of this dialect: the model set, the bound where the caller gave none, Sluice's own
 * options (of which `user` and `metadata` are no fields of Cohere's) taken out, every other byte as it was.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const edits: JsonEdit[] = [{ path: ['model'], text: JSON.stringify(target.model) }];
  if (request.maxOutputTokens === undefined && target.maxOutputTokens !== undefined)
    edits.push({ path: ['max_tokens'], text: String(target.maxOutputTokens) });
  const messages = withoutProofs(raw);
  if (messages !== undefined) edits.push({ path: ['messages'], text: JSON.stringify(messages) });
  edits.push(...[...OWN_FIELDS, 'user', 'metadata'].map((name) => ({ path: [name], text: undefined })));
  return editJson(raw, edits);
}

/** What has no parameter here, whatever its value. */
const WITHOUT_PARAMETER = ['logit_bias', 'n', 'parallel_tool_calls', 'top_logprobs', 'verbosity'] as const;

/** A request of another dialect. `metadata` becomes Sluice's own tags and does not go on. */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  // Nowhere is it said that 0 is a bound, so it can neither be said nor left out.
  if (request.maxOutputTokens === 0)
    throw new GatewayError('unsupported_parameter', 'This model needs a "max_tokens" of 1 or more.', {
      param: 'max_tokens',
    });
  const leftOut = new LeftOut();
  const body = defined({
    model: target.model,
    messages: encodeMessages(request.messages, leftOut),
    ...(request.stream ? { stream: true } : {}),
    max_tokens: target.maxOutputTokens,
    ...encodeToolOptions(request, leftOut),
    ...encodeSampling(request, leftOut),
    stop_sequences: encodeStop(request.stop, leftOut),
    response_format: encodeResponseFormat(request, leftOut),
    thinking: encodeThinking(request.reasoning, target.maxOutputTokens, leftOut),
  });
  refuseAsked(request, WITHOUT_PARAMETER, leftOut);
  if (!isUsualTier(request.serviceTier)) leftOut.refuse('service_tier');
  if (request.endUser !== undefined) leftOut.omit('user');
  if (request.reasoning?.display !== undefined) leftOut.omit('reasoning_display');
  if (hasCacheHints(request)) leftOut.omit('cache_hints');
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

const isUsualTier = (tier: string | undefined): boolean =>
  tier === undefined || tier === 'auto' || tier === 'default' || tier === 'standard_only';

function encodeToolOptions(request: ChatRequest, leftOut: LeftOut): JsonObject {
  const tools = (request.tools ?? []).filter((tool) => isExpressible(tool, leftOut));
  // Without tools the choice is an error.
  if (tools.length === 0) return {};
  const { called, choice } = chooseTools(tools, request.toolChoice, leftOut);
  return { tools: called.map(encodeTool), strict_tools: encodeStrict(called, leftOut), tool_choice: choice };
}

type OwnTool = FunctionTool | Extract<Tool, { readonly type: 'hosted' }>;

function isExpressible(tool: Tool, leftOut: LeftOut): tool is OwnTool {
  if (tool.type === 'function' || (tool.type === 'hosted' && tool.dialect === DIALECT_ID)) return true;
  leftOut.refuse(tool.type === 'custom' ? 'custom_tools' : 'hosted_tools', tool.name);
  return false;
}

/** A schema has to be given, also of a function without arguments. */
function encodeTool(tool: OwnTool): JsonObject {
  if (tool.type === 'hosted') return tool.definition;
  const { name, description, parameters = { type: 'object', properties: {} } } = tool;
  return { type: 'function', function: defined({ name, description, parameters }) };
}

/**
 * `strict_tools` holds for all tools or for none.
 * @see https://docs.cohere.com/v2/docs/structured-outputs#structured-outputs-tools
 */
function encodeStrict(tools: readonly OwnTool[], leftOut: LeftOut): true | undefined {
  const strict = tools.filter((tool) => tool.type === 'function' && tool.strict === true);
  if (strict.length === 0) return undefined;
  if (strict.length === tools.length) return true;
  leftOut.refuse('strict_tools');
  return undefined;
}

interface ChosenTools {
  readonly called: readonly OwnTool[];
  readonly choice?: 'REQUIRED' | 'NONE' | undefined;
}

/** A choice of one tool has no word here: it is the only one the model is shown, and has to be called. */
function chooseTools(
  tools: readonly OwnTool[],
  choice: ToolChoice | undefined,
  leftOut: LeftOut,
): ChosenTools {
  switch (choice?.type) {
    case undefined:
    case 'auto':
      return { called: tools };
    case 'none':
      return { called: tools, choice: 'NONE' };
    case 'required':
      return { called: tools, choice: 'REQUIRED' };
    case 'tool': {
      const named = tools.filter(({ name }) => name === choice.name);
      if (named.length > 0) return { called: named, choice: 'REQUIRED' };
      leftOut.refuse('tool_choice', choice.name);
      return { called: tools };
    }
  }
}

/** How far a parameter reaches. @see https://docs.cohere.com/reference/chat @see https://docs.cohere.com/reference/errors */
const RANGES = {
  temperature: [0, 1],
  frequency_penalty: [0, 1],
  presence_penalty: [0, 1],
} as const;
const P_RANGE = [0.01, 0.99] as const;
const MOST_K = 500;

/** `p` and `k` are the nearest that can be said: a `p` of 1, which leaves no token out, is 0.99 here. */
function encodeSampling(request: ChatRequest, leftOut: LeftOut): JsonObject {
  const inRange = (name: keyof typeof RANGES, value: number | undefined): number | undefined => {
    const [least, most] = RANGES[name];
    if (value === undefined || (value >= least && value <= most)) return value;
    leftOut.refuse(name);
    return undefined;
  };
  const { topP, topK } = request;
  return {
    temperature: inRange('temperature', request.temperature),
    p: topP === undefined ? undefined : Math.min(Math.max(topP, P_RANGE[0]), P_RANGE[1]),
    k: topK === undefined ? undefined : Math.min(topK, MOST_K),
    frequency_penalty: inRange('frequency_penalty', request.frequencyPenalty),
    presence_penalty: inRange('presence_penalty', request.presencePenalty),
    seed: request.seed,
    logprobs: request.logprobs,
  };
}

const MOST_STOP_SEQUENCES = 5;

function encodeStop(stop: readonly string[] | undefined, leftOut: LeftOut): readonly string[] | undefined {
  if (stop === undefined || stop.length === 0) return undefined;
  if (stop.length > MOST_STOP_SEQUENCES) leftOut.refuse('stop');
  return stop.slice(0, MOST_STOP_SEQUENCES);
}

/** A schema has no name here, and is always followed; what it is for stands in the schema itself. */
function encodeResponseFormat(request: ChatRequest, leftOut: LeftOut): JsonObject | undefined {
  const format: ResponseFormat | undefined = request.responseFormat;
  if (format === undefined) return undefined;
  if (format.type === 'text') return { type: 'text' };
  if ((request.tools ?? []).length > 0) {
    leftOut.refuse(format.type === 'json-schema' ? 'json_schema' : 'json_mode');
    return undefined;
  }
  if (format.type !== 'json-schema') return { type: 'json_object' };
  const { schema, description } = format;
  const described =
    description === undefined || 'description' in schema ? schema : { ...schema, description };
  return { type: 'json_object', json_schema: described };
}

/**
 * Budgets for efforts below `high`, which Cohere has no words for: in tokens, and at most half of the answer's bound, which
 * holds the thinking too.
 */
const BUDGETS: Readonly<Record<string, number>> = { minimal: 1024, low: 4096, medium: 16_384 };
const UNBUDGETED_EFFORTS: ReadonlySet<string> = new Set(['high', 'xhigh', 'max']);

/**
 * `none` is thinking turned off and `high` thinking turned on, as Cohere's own compatibility API has it. A budget wins over
 * an effort.
 * @see https://docs.cohere.com/v2/docs/compatibility-api#supported-parameters
 * @see https://docs.cohere.com/v2/docs/reasoning
 */
function encodeThinking(
  reasoning: ReasoningOptions | undefined,
  maxOutputTokens: number | undefined,
  leftOut: LeftOut,
): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  const { effort, budgetTokens } = reasoning;
  if (reasoning.enabled === false || effort === 'none' || budgetTokens === 0) return { type: 'disabled' };
  if (budgetTokens !== undefined) return { type: 'enabled', token_budget: budgetTokens };
  if (effort === undefined || UNBUDGETED_EFFORTS.has(effort)) return { type: 'enabled' };
  const budget = BUDGETS[effort];
  if (budget === undefined) {
    leftOut.refuse('reasoning');
    return undefined;
  }
  const most = Math.max(1, Math.floor((maxOutputTokens ?? Number.POSITIVE_INFINITY) / 2));
  return { type: 'enabled', token_budget: Math.min(budget, most) };
}
