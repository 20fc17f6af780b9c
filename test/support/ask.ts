import type { LocalGateway } from './local-gateway.ts';

/** A path and the header in which its SDK sends a key. */
const ROUTES = {
  openai: '/v1/chat/completions',
  anthropic: '/v1/messages',
} as const;
export type CallerDialect = keyof typeof ROUTES;

export interface Question {
  /** @default 'openai' */
  readonly as?: CallerDialect;
  readonly model?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One small chat request over HTTP, as its dialect's SDK would send it. */
export function ask(
  gateway: Pick<LocalGateway, 'url'>,
  secret: string,
  question: Question,
): Promise<Response> {
  const { as = 'openai', model = 'openai/mock', body = {}, headers = {}, signal } = question;
  return fetch(gateway.url + ROUTES[as], {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(as === 'openai'
        ? { authorization: `Bearer ${secret}` }
        : { 'x-api-key': secret, 'anthropic-version': '2023-06-01' }),
      ...headers,
    },
    body: JSON.stringify({
      model,
      ...(as === 'anthropic' && { max_tokens: 100 }),
      messages: [{ role: 'user', content: 'Hello' }],
      ...body,
    }),
    ...(signal !== undefined && { signal }),
  });
}

/** A streamed answer, taken apart. */
export interface StreamSeen {
  /** The parsed `data` of each event. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  readonly events: readonly any[];
  readonly text: string;
  /** Errors, in either dialect's form. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly errors: readonly any[];
  /** `[DONE]` or `message_stop` came. */
  readonly isFinished: boolean;
  readonly comments: number;
  readonly raw: string;
}

/** Reads a stream to its end. */
export async function readStream(response: Response): Promise<StreamSeen> {
  return parseStream(await response.text());
}

export function parseStream(raw: string): StreamSeen {
  const blocks = raw.split('\n\n').filter((block) => block !== '');
  const data = blocks
    .filter((block) => !block.startsWith(':'))
    .map((block) => /^data: (.*)$/m.exec(block)?.[1] ?? '');
  const events = data.filter((text) => text !== '[DONE]').map((text) => JSON.parse(text));
  return {
    events,
    text: events.map((event) => event.choices?.[0]?.delta?.content ?? event.delta?.text ?? '').join(''),
    errors: events.flatMap((event) => event.error ?? []),
    isFinished: data.includes('[DONE]') || events.some((event) => event.type === 'message_stop'),
    comments: blocks.filter((block) => block.startsWith(':')).length,
    raw,
  };
}
