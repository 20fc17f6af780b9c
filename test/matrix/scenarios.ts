import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { DIALECTS } from '../../lambda/dialects/registry.ts';
import type { Wish } from './observation.ts';

/** The chat dialects of the matrix: each is spoken by callers and by providers. */
export const MATRIX_DIALECTS = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'cohere-chat',
] as const;

export type MatrixDialect = (typeof MATRIX_DIALECTS)[number];

export const SCENARIOS = [
  'text',
  'stream',
  'tools',
  'parallel tools',
  'image',
  'reasoning',
  'structured',
  'error',
  'mid-stream error',
] as const;

export type Scenario = (typeof SCENARIOS)[number];

/** What each scenario asks for. */
export const WISH_OF: Readonly<Partial<Record<Scenario, Wish>>> = {
  tools: 'tools',
  'parallel tools': 'tools',
  image: 'image',
  reasoning: 'reasoning',
  structured: 'schema',
};

/** A provider's answer, as bytes. */
export interface RecordedAnswer {
  readonly name: string;
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly isStream: boolean;
  /** It breaks off in the middle. */
  readonly isCut: boolean;
}

/**
 * Which recording answers in which scenario, by a part of its name. `undefined`: nothing of the kind was recorded, and OpenAI's is
 * written in this dialect. A stream is cut in its middle for the mid-stream error.
 */
const RECORDINGS: Readonly<Record<MatrixDialect, Readonly<Record<Scenario, string | undefined>>>> = {
  'openai-chat': {
    text: 'chat-tool-choice-matrix-none-openai',
    stream: 'chat-azure-o4-mini-simple-streaming',
    tools: 'deepseek-deepseek-chat-can-use-tools-with.2',
    'parallel tools': 'chat-openai-gpt-5-multi-tool-streaming',
    image: 'chat-vision-models-mistral-pixtral-12b',
    reasoning: 'chat-deepseek-tool-variations-async.1',
    structured: 'chat-openai-gpt-5-simple-object-streaming',
    error: 'chat-chat-unknown-model.404',
    'mid-stream error': 'chat-azure-o4-mini-simple-streaming',
  },
  'openai-responses': {
    text: 'previous-response-id-chain-keeps-axes-distinct.1',
    stream: 'reused-tool-call-ids-stream.2',
    tools: 'responses-openai-gpt-5-tool-streaming',
    'parallel tools': 'responses-openai-gpt-5-multi-tool-streaming',
    image: 'vision-models-openai-gpt-5-nano',
    reasoning: 'azure-reasoning-encrypted-content.1',
    structured: undefined,
    error: 'responses-create-api-error-content-mode0',
    'mid-stream error': 'reused-tool-call-ids-stream.2',
  },
  'anthropic-messages': {
    text: 'vertex-claude-3-7-sonnet-simple',
    stream: 'vertex-claude-3-7-sonnet-simple-streaming',
    tools: 'vertex-claude-3-7-sonnet-tool-streaming',
    'parallel tools': 'anthropic-tools-streaming-legacy',
    image: 'vision-models-anthropic-claude-haiku-4-5',
    reasoning: 'claude-sonnet-4-thinking',
    structured: 'schema-prompt',
    error: 'nonexistent-model-error',
    'mid-stream error': 'vertex-claude-3-7-sonnet-simple-streaming',
  },
  gemini: {
    text: 'none-nonstreaming-no-tools',
    stream: 'google-model-file-search-tool-stream.3',
    tools: 'google-tool-call-gemini3-stream',
    'parallel tools': 'gemini-2.5-flash-multi-tool-streaming',
    image: undefined,
    reasoning: 'gemini-2.5-pro-thinking-streaming',
    structured: undefined,
    error: 'nonexistent-model-error',
    'mid-stream error': 'google-model-file-search-tool-stream.3',
  },
  'bedrock-converse': {
    text: 'converse-nova-converse',
    stream: 'handle-amazon-nova-models-with-streaming',
    tools: 'agent-loop-streaming-v1',
    'parallel tools': undefined,
    image: 'handle-multi-modal-content-in-streaming',
    reasoning: 'bedrock-model-thinking-part-stream',
    structured: 'bedrock-native-output-stream',
    error: 'retired-model-id',
    'mid-stream error': 'handle-amazon-nova-models-with-streaming',
  },
  'cohere-chat': {
    text: 'cohere-max-tokens',
    stream: 'citations-with-cohere-command-a-plus',
    tools: 'cohere-command-a-03-2025-can-use-tools-wi',
    'parallel tools': undefined,
    image: undefined,
    reasoning: 'citations-with-cohere-command-a-plus',
    structured: undefined,
    error: 'completion-error-preserves-status-and-body',
    'mid-stream error': 'citations-with-cohere-command-a-plus',
  },
};

const FIXTURES = path.join(import.meta.dirname, '../fixtures');
const FILES = [
  ['upstream.sse', 'text/event-stream; charset=utf-8'],
  ['upstream.eventstream', 'application/vnd.amazon.eventstream'],
  ['upstream.json', 'application/json'],
] as const;

/** What a provider of this dialect answers in a scenario. */
export async function recordedAnswer(dialect: MatrixDialect, scenario: Scenario): Promise<RecordedAnswer> {
  const part = RECORDINGS[dialect][scenario];
  if (part === undefined) return inDialect(readAnswer('openai-chat', scenario), dialect);
  const answer = readAnswer(dialect, scenario);
  const isCut = scenario === 'mid-stream error';
  return isCut
    ? { ...answer, isCut, bytes: answer.bytes.subarray(0, Math.floor(answer.bytes.length * CUT_AT)) }
    : answer;
}

/** Behind some text, and before the end. */
const CUT_AT = 0.6;

function readAnswer(dialect: MatrixDialect, scenario: Scenario): RecordedAnswer {
  const part = RECORDINGS[dialect][scenario] ?? '';
  const folder = path.join(FIXTURES, dialect);
  const [name] = readdirSync(folder)
    .filter((each) => each.includes(part))
    .toSorted((one, other) => one.length - other.length);
  if (name === undefined) throw new Error(`There is no recording "${part}" of ${dialect}.`);
  const [file, contentType] = FILES.find(([each]) => existsSync(path.join(folder, name, each))) ?? FILES[2];
  const { status, headers } = JSON.parse(readFileSync(path.join(folder, name, 'source.json'), 'utf8'));
  const bytes = readFileSync(path.join(folder, name, file));
  return {
    name,
    status,
    contentType,
    headers: headers ?? {},
    bytes,
    isStream: file !== 'upstream.json',
    isCut: false,
  };
}

/** OpenAI's recorded answer as a provider of another dialect would have written it. */
async function inDialect(answer: RecordedAnswer, dialect: MatrixDialect): Promise<RecordedAnswer> {
  const written = DIALECTS.find(({ id }) => id === dialect) ?? openaiChat;
  const envelope = { id: 'composed', model: 'composed', createdAtSeconds: 1_700_000_000, includeUsage: true };
  if (!answer.isStream) {
    const { events } = openaiChat.decodeAnswer(answer.bytes.toString());
    return { ...answer, bytes: Buffer.from(written.encodeAnswer(events, envelope)) };
  }
  const encoder = written.createStreamEncoder(envelope);
  const texts: string[] = [];
  for await (const { events } of openaiChat.decodeStream(only(answer.bytes)))
    texts.push(...events.map((event) => encoder.encode(event)));
  return {
    ...answer,
    contentType: written.streamContentType,
    bytes: Buffer.from(texts.join(''), written.streamEncoding),
  };
}

async function* only(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}

/** Whether something was recorded for it. */
export const isRecorded = (dialect: MatrixDialect, scenario: Scenario): boolean =>
  RECORDINGS[dialect][scenario] !== undefined;
