import type { Writable } from 'node:stream';
import { usdFromNano } from '../../domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import type { Telemetry } from '../../ports/telemetry.ts';

export interface PlainLogOptions {
  readonly output: Writable;
  readonly problems: Writable;
}

/** Telemetry for a person at a terminal: one line a request, problems apart, no metrics. */
export function plainLog(options: PlainLogOptions): Telemetry {
  const print = (stream: Writable, line: string): void => {
    stream.write(`${withoutControlCharacters(line)}\n`);
  };
  return {
    request(facts, outcome) {
      print(options.output, requestLine(facts, outcome));
    },
    rejected({ method, path, status, code, requestId }) {
      print(options.output, `${timeOf(Date.now())} ${status} ${code}  ${method} ${path}  ${requestId}`);
    },
    measure() {
      // Gauges are for dashboards; a terminal would only scroll.
    },
    problem(message, error, fields = {}) {
      const details = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
      const lines = [`${timeOf(Date.now())} ! ${message}`, ...details, ...errorText(error)];
      print(options.problems, lines.join('  '));
    },
    flush: async () => {
      await Promise.all([options.output, options.problems].map(flushed));
    },
  };
}

/** `12:34:56 ok  key_1  demo → sim/frontier  12+34 tokens  $0.000120  210 ms (first token 15 ms)  2 attempts`. */
function requestLine(facts: RequestFacts, outcome: RequestOutcome): string {
  const { usage, deployment, attempts, timeToFirstTokenMs, cacheHit } = outcome;
  const first = timeToFirstTokenMs === undefined ? '' : ` (first token ${Math.round(timeToFirstTokenMs)} ms)`;
  const basis = outcome.chargeBasis === 'exact' ? '' : ` ${outcome.chargeBasis}`;
  return [
    `${timeOf(facts.startedAtMs)} ${outcome.outcome}`,
    facts.keyId,
    `${facts.modelsAsked[0] ?? '?'} → ${deployment ?? 'nobody'}`,
    `${usage?.promptTokens ?? '?'}+${usage?.completionTokens ?? '?'} tokens`,
    `$${usdFromNano(outcome.cost).toFixed(6)}${basis}`,
    `${Math.round(outcome.durationMs)} ms${first}`,
    cacheHit === undefined
      ? `${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'}`
      : `given again (${cacheHit})`,
  ].join('  ');
}

const timeOf = (unixMs: number): string => new Date(unixMs).toISOString().slice(11, 19);

function errorText(error: unknown): readonly string[] {
  if (error === undefined) return [];
  if (!(error instanceof Error)) return [typeof error];
  // A parser's message quotes the text it could not parse.
  const text = error instanceof SyntaxError ? error.name : `${error.name}: ${error.message}`;
  const place = error.stack?.split('\n').find((line) => /^\s+at /.test(line));
  return place === undefined ? [text] : [text, place.trim()];
}

/** Callers choose model names and paths; a terminal obeys escape sequences. */
const withoutControlCharacters = (text: string): string => text.replace(/\p{Cc}/gu, '?');

const flushed = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });
