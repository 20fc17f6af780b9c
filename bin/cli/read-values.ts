import { UsageError } from './cli-errors.ts';

/** Amounts with a window: `5/month`, and with what they are limited to: `5/month@openai/gpt-5`. */
const WINDOWS = 'hour|day|week|month|total';
const DOLLARS = String.raw`\$?(\d+(?:\.\d+)?|\.\d+)`;

/** What a limit counts: `@provider/model` (`*` at its end matches any ending), or `@provider`. */
interface LimitedTo {
  readonly model?: string;
  readonly provider?: string;
}

const facetOf = (text: string | undefined): LimitedTo =>
  text === undefined ? {} : text.includes('/') ? { model: text } : { provider: text };

/** `5/month`, `5/month/soft`, `5/month@openai/gpt-5` as a budget of the API. @throws UsageError */
export function readBudget(text: string, option = '--budget'): Readonly<Record<string, unknown>> {
  const match = new RegExp(`^${DOLLARS}/(${WINDOWS})(?:/(hard|soft))?(?:@(\\S+))?$`).exec(text);
  const [, amount = '', window = '', mode, facet] = match ?? [];
  if (match === null)
    throw new UsageError(
      `${option} takes dollars/window, such as 5/month (hour, day, week, month or total) or 5/month@openai/gpt-5, not "${text}".`,
    );
  return { limit_usd: Number(amount), window, ...(mode === undefined ? {} : { mode }), ...facetOf(facet) };
}

/** `100`, `100/month`, `100/month@openai/gpt-5` as an amount of the API. @throws UsageError */
export function readIncrease(text: string): Readonly<Record<string, unknown>> {
  const match = new RegExp(`^${DOLLARS}(?:/(${WINDOWS}))?(?:@(\\S+))?$`).exec(text);
  const [, amount = '', window, facet] = match ?? [];
  if (match === null)
    throw new UsageError(
      `--amount takes dollars, such as 100, 100/month or 100/month@openai/gpt-5, not "${text}".`,
    );
  return { amount_usd: Number(amount), ...(window === undefined ? {} : { window }), ...facetOf(facet) };
}

/** `60` or `60@openai/gpt-5` as a number and what it counts. @throws UsageError */
export function readRate(
  text: string,
  option: string,
): { readonly count: number; readonly facet: LimitedTo } {
  const [, count, facet] = /^(\d{1,15})(?:@(\S+))?$/.exec(text) ?? [];
  if (count === undefined)
    throw new UsageError(`${option} takes a whole number, such as 60 or 60@openai/gpt-5, not "${text}".`);
  return { count: Number(count), facet: facetOf(facet) };
}

/** A whole number. @throws UsageError */
export function readCount(text: string, option: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${option} takes a whole number, not "${text}".`);
  return Number(text);
}

/** Dollars. @throws UsageError */
export function readDollars(text: string, option: string): number {
  const [, amount] = new RegExp(`^${DOLLARS}$`).exec(text) ?? [];
  if (amount === undefined) throw new UsageError(`${option} takes dollars, such as 0.5, not "${text}".`);
  return Number(amount);
}

/** A share of a limit. @throws UsageError */
export function readShare(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share < 1))
    throw new UsageError(`--soft-limit takes a share above 0 and below 1, such as 0.8, not "${text}".`);
  return share;
}

/** `name=value` pairs as an object. @throws UsageError */
export function readPairs(pairs: readonly string[], option: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`${option} takes name=value, not "${pair}".`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `12h`, `30d`, `90s`, `15m` in seconds; `undefined` for other text. */
function durationSeconds(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNIT_SECONDS[unit] ?? 1);
}

/** A duration in seconds. @throws UsageError */
export function readDuration(text: string, option: string): number {
  const seconds = durationSeconds(text);
  if (seconds === undefined)
    throw new UsageError(`${option} takes a time such as 90s, 15m, 1h or 7d, not "${text}".`);
  return seconds;
}

/** A moment, or a duration from now, as ISO 8601. @throws UsageError */
export function readExpiry(text: string, nowMs: number): string {
  const seconds = durationSeconds(text);
  const timeMs = seconds === undefined ? Date.parse(text) : nowMs + seconds * 1_000;
  if (Number.isNaN(timeMs))
    throw new UsageError(`--expires takes a time such as 2027-01-31T12:00:00Z, 12h or 30d, not "${text}".`);
  return new Date(timeMs).toISOString();
}
