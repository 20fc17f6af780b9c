import { isDeepStrictEqual } from 'node:util';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { ERROR_KINDS } from '../../lambda/domain/errors.ts';
import { providerId } from '../../lambda/domain/ids.ts';
import type { EnabledProvider } from '../../lambda/pipeline/gateway.ts';
import { CUSTOM } from '../../lambda/providers/custom/provider.ts';
import { type LocalGateway, startLocalGateway } from '../support/local-gateway.ts';
import { askAnthropicMessages } from './callers/anthropic-messages.ts';
import { askBedrockConverse } from './callers/bedrock-converse.ts';
import { askCohereChat } from './callers/cohere-chat.ts';
import { askGemini } from './callers/gemini.ts';
import { askOpenaiChat } from './callers/openai-chat.ts';
import { askOpenaiResponses } from './callers/openai-responses.ts';
import {
  type Caller,
  type Failure,
  type Observation,
  PIXEL,
  put,
  SCHEMA,
  TOOL,
  type Wish,
} from './observation.ts';
import { type RecordedUpstream, startRecordedUpstream } from './recorded-upstream.ts';
import {
  MATRIX_DIALECTS,
  type MatrixDialect,
  type RecordedAnswer,
  recordedAnswer,
  type Scenario,
  WISH_OF,
} from './scenarios.ts';

const CALLERS: Readonly<Record<MatrixDialect, Caller>> = {
  'openai-chat': askOpenaiChat,
  'openai-responses': askOpenaiResponses,
  'anthropic-messages': askAnthropicMessages,
  gemini: askGemini,
  'bedrock-converse': askBedrockConverse,
  'cohere-chat': askCohereChat,
};

/** A model of each provider that can do all that is asked. */
const MODELS: Readonly<Record<MatrixDialect, string>> = {
  'openai-chat': 'gpt-5',
  'openai-responses': 'gpt-5',
  'anthropic-messages': 'claude-sonnet-4-20250514',
  gemini: 'gemini-2.5-pro',
  'bedrock-converse': 'us.anthropic.claude-sonnet-4-20250514-v1:0',
  'cohere-chat': 'command-a-reasoning-08-2025',
};

/** How one cell of the matrix turned out. */
export type Verdict =
  | { readonly type: 'green' }
  /** Sluice says that the provider's dialect cannot express what was asked. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'red'; readonly faults: readonly string[] };

/** A gateway whose six providers speak one dialect each, and answer from recordings. */
export interface Matrix extends Pick<RecordedUpstream, 'asked' | 'answerWith'> {
  /** Where it stands. */
  readonly url: string;
  /** A key without budgets. */
  readonly key: string;
  /** A question of a caller of one dialect to a provider of another, over real HTTP, by the official SDK. */
  run(caller: MatrixDialect, provider: MatrixDialect, scenario: Scenario): Promise<Verdict>;
  close(): Promise<void>;
}

export async function startMatrix(): Promise<Matrix> {
  const upstream = await startRecordedUpstream();
  const providers = new Map(
    MATRIX_DIALECTS.map((dialect): [string, EnabledProvider] => [
      `speaks-${dialect}`,
      { name: `speaks-${dialect}`, provider: providerOf(dialect), baseUrl: upstream.url },
    ]),
  );
  const gateway = await startLocalGateway({ gateway: { providers } });
  const { secret } = await gateway.createKey();
  return {
    url: gateway.url,
    key: secret,
    get asked() {
      return upstream.asked;
    },
    answerWith: (answer) => upstream.answerWith(answer),
    run: (caller, provider, scenario) =>
      runCell({ gateway, upstream, key: secret }, { caller, provider, scenario }),
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}

const providerOf = (dialect: MatrixDialect): EnabledProvider['provider'] => ({
  ...CUSTOM,
  id: providerId(`speaks-${dialect}`),
  apis: [{ dialect, path: () => `/${dialect}` }],
});

interface Stage {
  readonly gateway: LocalGateway;
  readonly upstream: RecordedUpstream;
  readonly key: string;
}

interface Cell {
  readonly caller: MatrixDialect;
  readonly provider: MatrixDialect;
  readonly scenario: Scenario;
}

async function runCell({ gateway, upstream, key }: Stage, cell: Cell): Promise<Verdict> {
  const { caller, provider, scenario } = cell;
  const answer = await recordedAnswer(provider, scenario);
  const dialect = gateway.gateway.dialects.get(provider);
  if (dialect === undefined) return { type: 'red', faults: [`${provider} is not built`] };
  upstream.answerWith(answer);
  const asked = { stream: answer.isStream, wish: WISH_OF[scenario] };
  const through = await put(CALLERS[caller], {
    url: gateway.url,
    key,
    model: `speaks-${provider}/${MODELS[provider]}`,
    ...asked,
  });
  const request = upstream.asked;
  if (
    through.type === 'failure' &&
    request === undefined &&
    through.failure.message.includes('cannot express')
  )
    return { type: 'refused', message: through.failure.message };
  if (scenario === 'error' || scenario === 'mid-stream error')
    return verdict(
      through.type === 'answer' ? ['no failure was seen'] : failureFaults(dialect, answer, through.failure),
    );
  if (through.type === 'failure') return { type: 'red', faults: [`failed: ${through.failure.message}`] };
  // The provider's own SDK, without a gateway, says what there is to see.
  const direct = await put(CALLERS[provider], { url: upstream.url, key, model: MODELS[provider], ...asked });
  if (direct.type === 'failure') return { type: 'red', faults: [`direct: ${direct.failure.message}`] };
  const sent = JSON.parse(request?.body ?? '{}');
  return verdict([
    ...recordingFaults(direct.answer, scenario),
    ...differences(through.answer, direct.answer),
    ...requestFaults(dialect.decodeRequest(sent, { model: 'm', stream: answer.isStream }), WISH_OF[scenario]),
  ]);
}

/** A scenario whose recording does not show what it is about would prove nothing. */
function recordingFaults({ text, tools, reasoning }: Observation, scenario: Scenario): string[] {
  const shows: Readonly<Partial<Record<Scenario, boolean>>> = {
    text: text !== '',
    stream: text !== '',
    tools: tools.length > 0,
    'parallel tools': tools.length > 1,
    reasoning: reasoning !== '',
  };
  return shows[scenario] === false ? ['the recording shows nothing of the kind'] : [];
}

const verdict = (faults: readonly string[]): Verdict =>
  faults.length === 0 ? { type: 'green' } : { type: 'red', faults };

function differences(seen: Observation, expected: Observation): string[] {
  return (['text', 'reasoning', 'tools', 'finish', 'usage'] as const).flatMap((member) =>
    isDeepStrictEqual(seen[member], expected[member])
      ? []
      : [`${member}: ${shown(seen[member])} instead of ${shown(expected[member])}`],
  );
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? 'nothing';

/** The provider's own words reach the caller, with the status that is theirs. */
function failureFaults(dialect: Dialect, answer: RecordedAnswer, failure: Failure): string[] {
  if (answer.isCut) return [];
  const { code, message } = dialect.decodeError(answer.status, answer.headers, answer.bytes.toString());
  const { status } = ERROR_KINDS[code];
  return [
    ...(failure.status === status ? [] : [`status ${failure.status} instead of ${status}`]),
    ...(failure.message.includes(message) ? [] : [`"${failure.message}" does not hold "${message}"`]),
  ];
}

/** What was wished for has reached the provider. */
const requestFaults = (request: ChatRequest, wish: Wish | undefined): string[] =>
  wish === undefined ? [] : ARRIVALS[wish](request);

const ARRIVALS: Readonly<Record<Wish, (request: ChatRequest) => string[]>> = {
  tools({ tools = [] }) {
    const [tool] = tools;
    const parameters = tool?.type === 'function' ? tool.parameters : undefined;
    const isWhole =
      tool?.name === TOOL.name && isDeepStrictEqual(parameters?.['properties'], TOOL.parameters.properties);
    return isWhole ? [] : [`tool: ${shown(tool)}`];
  },
  image({ messages }) {
    const parts = messages.flatMap(({ content }) => content);
    const hasPixel = parts.some((part) => part.type === 'image' && shownSource(part.source) === PIXEL);
    return hasPixel ? [] : ['the picture did not arrive'];
  },
  reasoning: ({ reasoning }) =>
    reasoning === undefined || reasoning.enabled === false ? ['the model was not asked to think'] : [],
  schema({ responseFormat: format }) {
    const schema = format?.type === 'json-schema' ? format.schema : undefined;
    return isDeepStrictEqual(schema?.['properties'], SCHEMA.properties) ? [] : [`schema: ${shown(format)}`];
  },
};

function shownSource(source: {
  readonly type: string;
  readonly data?: string;
  readonly url?: string;
}): string {
  return source.data ?? source.url?.replace(/^data:image\/png;base64,/, '') ?? '';
}
