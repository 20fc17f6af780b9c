import type { Target } from './load.ts';

/** Callers speak OpenAI's format; the provider speaks that too, or another, into which the gateway translates. */
export const PATHS = ['openai→openai', 'openai→anthropic'] as const;
/**
 * `whole`: one body. `stream`: 16 pieces, 10 ms apart, as a model writes. `burst`: 200 pieces without a pause, which shows
 * what a piece costs.
 */
export const MODES = ['whole', 'stream', 'burst'] as const;
/** The same request straight to the provider, through the smallest proxy, and through the gateway. */
export const ARMS = ['direct', 'floor', 'gateway'] as const;

export type Path = (typeof PATHS)[number];
export type Mode = (typeof MODES)[number];
export type Arm = (typeof ARMS)[number];

/** What is measured together. */
export interface Scenario {
  readonly path: Path;
  readonly mode: Mode;
  readonly concurrency: number;
}

/** In `burst` the load itself takes a core at more than this. */
const BURST_CONCURRENCY = 16;

export function scenariosOf(wanted: {
  readonly paths: readonly Path[];
  readonly modes: readonly Mode[];
  readonly concurrencies: readonly number[];
}): readonly Scenario[] {
  return wanted.paths.flatMap((path) =>
    wanted.modes.flatMap((mode) =>
      (mode === 'burst' ? [BURST_CONCURRENCY] : wanted.concurrencies).map((concurrency) => ({
        path,
        mode,
        concurrency,
      })),
    ),
  );
}

/** Pieces of text in an answer, and milliseconds between them. */
export const SCRIPTS: Readonly<Record<Mode, { readonly pieces: number; readonly intervalMs: number }>> = {
  whole: { pieces: 16, intervalMs: 0 },
  stream: { pieces: 16, intervalMs: 10 },
  burst: { pieces: 200, intervalMs: 0 },
};

/** Where each arm listens, and the caller's key. */
export interface Addresses {
  readonly ports: Readonly<Record<Arm, number>>;
  readonly key: string;
}

const PROMPT = 'The quick brown fox jumps over the lazy dog. '.repeat(14);
const ROUTES: Readonly<Record<Path, string>> = {
  'openai→openai': '/v1/chat/completions',
  'openai→anthropic': '/v1/messages',
};

/** The request of one arm: through the gateway as callers send it, else as the gateway itself would send it on. */
export function targetOf({ path, mode }: Scenario, arm: Arm, addresses: Addresses): Target {
  const { pieces, intervalMs } = SCRIPTS[mode];
  const model = `mock-c${pieces}-i${intervalMs}`;
  const isStream = mode !== 'whole';
  const answer = { port: addresses.ports[arm], isStream, marks: isStream ? pieces : 1 };
  if (arm === 'gateway')
    return {
      ...answer,
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${addresses.key}` },
      body: openAiBody(`${path.slice('openai→'.length)}/${model}`, isStream),
      terminator: 'data: [DONE]',
    };
  const isAnthropic = path === 'openai→anthropic';
  return {
    ...answer,
    path: ROUTES[path],
    headers: { authorization: 'Bearer of nothing' },
    body: isAnthropic ? anthropicBody(model, isStream) : openAiBody(model, isStream),
    terminator: isAnthropic ? '"message_stop"' : 'data: [DONE]',
  };
}

const openAiBody = (model: string, stream: boolean): string =>
  JSON.stringify({
    model,
    stream,
    ...(stream && { stream_options: { include_usage: true } }),
    messages: [
      { role: 'system', content: 'You are a benchmark.' },
      { role: 'user', content: PROMPT },
    ],
  });

const anthropicBody = (model: string, stream: boolean): string =>
  JSON.stringify({
    model,
    stream,
    max_tokens: 4096,
    system: 'You are a benchmark.',
    messages: [{ role: 'user', content: PROMPT }],
  });
