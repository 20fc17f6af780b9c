import { OPERATION_OF } from '../dialect.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * The `format` of an entry of `reasoning_details` says whose reasoning it is.
 *
 * From a caller, a format whose dialect Sluice speaks means that dialect, so that a conversation can go on there. From a
 * provider, the entry is this provider's own whatever its format, as only this provider is known to take it back:
 * `openai-chat/<format>`.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['anthropic-messages', 'anthropic-claude-v1'],
  ['gemini', 'google-gemini-v1'],
  ['openai-responses', 'openai-responses-v1'],
]);

export const GEMINI_FORMAT = 'google-gemini-v1';

const PREFIX = `${DIALECT_ID}/`;

/** Whether reasoning came in this dialect, of whatever format. */
export const isOwnReasoning = (dialect: string | undefined): boolean =>
  dialect === DIALECT_ID || dialect?.startsWith(PREFIX) === true;

/** What a provider's entry is kept as; `undefined` for an entry without a format, which is this dialect's own. */
export const providerDialect = (format: string | undefined): string | undefined =>
  format === undefined ? undefined : PREFIX + format;

/** Whose reasoning a caller sends back. */
export function callerDialect(format: string | undefined): string {
  if (format === undefined) return DIALECT_ID;
  const known = [...FORMATS].find(([, name]) => name === format)?.[0];
  if (known !== undefined) return known;
  return Object.hasOwn(OPERATION_OF, format) ? format : PREFIX + format;
}

/** The `format` that says whose reasoning it is; `undefined` where it is this dialect's own and has none. */
export function formatOf(dialect: string): string | undefined {
  if (dialect === DIALECT_ID) return undefined;
  return dialect.startsWith(PREFIX) ? dialect.slice(PREFIX.length) : (FORMATS.get(dialect) ?? dialect);
}
