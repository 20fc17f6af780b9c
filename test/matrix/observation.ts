import type { FinishReason } from '../../lambda/domain/chat/event.ts';

/** What a question asks for beside text. */
export type Wish = 'tools' | 'image' | 'reasoning' | 'schema';

/** One question, put by an official SDK. */
export interface Question {
  /** Where the server stands, without a path. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly stream: boolean;
  readonly wish: Wish | undefined;
}

/** What an application sees of an answer, whatever its SDK calls it. */
export interface Observation {
  readonly text: string;
  readonly reasoning: string;
  readonly tools: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly finish: FinishReason | undefined;
  /** Tokens of prompt and completion, cached and reasoning ones included. */
  readonly usage: { readonly prompt: number; readonly completion: number } | undefined;
}

/** What an application sees of a failure. */
export interface Failure {
  readonly status: number | undefined;
  readonly message: string;
}

export type Outcome =
  | { readonly type: 'answer'; readonly answer: Observation }
  | { readonly type: 'failure'; readonly failure: Failure };

/** An official SDK, asking. Rejects with whatever the SDK throws. */
export type Caller = (question: Question) => Promise<Observation>;

/** Puts a question, and tells what came of it. */
export async function put(caller: Caller, question: Question): Promise<Outcome> {
  try {
    return { type: 'answer', answer: await caller(question) };
  } catch (error) {
    const { status, statusCode, $metadata, message } = Object(error);
    return {
      type: 'failure',
      failure: { status: status ?? statusCode ?? $metadata?.httpStatusCode, message: String(message) },
    };
  }
}

/** Collects what a stream says. */
export class Collected {
  text = '';
  reasoning = '';
  finish: FinishReason | undefined;
  usage: Observation['usage'];
  readonly #calls = new Map<number | string, { name: string; text: string }>();

  /** Adds to a tool call; the first piece names it. */
  call(
    key: number | string,
    piece: { readonly name?: string | undefined; readonly text?: string | undefined },
  ): void {
    const call = this.#calls.get(key) ?? { name: '', text: '' };
    this.#calls.set(key, call);
    call.name += piece.name ?? '';
    call.text += piece.text ?? '';
  }

  /** Whether such a call has begun. */
  knowsCall(key: number | string): boolean {
    return this.#calls.has(key);
  }

  get observation(): Observation {
    const { text, reasoning, finish, usage } = this;
    const tools = [...this.#calls.values()].map((call) => ({
      name: call.name,
      arguments: JSON.parse(call.text === '' ? '{}' : call.text),
    }));
    return { text, reasoning, tools, finish, usage };
  }
}

export const PROMPT = 'What is the weather in Paris and in London? Answer shortly.';
/** One red pixel. */
export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==';
export const TOOL = {
  name: 'weather',
  description: 'Tells the weather in a city.',
  parameters: {
    type: 'object',
    properties: { location: { type: 'string', description: 'The city' } },
    required: ['location'],
    additionalProperties: false,
  },
};
export const SCHEMA = {
  type: 'object',
  properties: { answer: { type: 'string' }, certain: { type: 'boolean' } },
  required: ['answer', 'certain'],
  additionalProperties: false,
};
export const MOST_TOKENS = 4_000;
export const THINKING_TOKENS = 1_024;
