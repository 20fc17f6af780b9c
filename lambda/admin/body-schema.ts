import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';

const MAX_NAME_LENGTH = 128;
const MAX_VALUE_LENGTH = 256;
const MAX_ENTRIES = 50;
const MAX_LIST_LENGTH = 200;
const MAX_USD = 1e9;
const LEAST_USD = 1e-9;

/** Policies of the contract that nothing enforces here: one that is accepted but does nothing would be a lie. */
const NOT_ENFORCED = ['data_policy', 'guardrails', 'log'] as const;

// Control characters would let a name rewrite the terminal or the log it is shown in.
const ONE_LINE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;

/** Text on one line. */
export function line(maxLength = MAX_VALUE_LENGTH, least: 0 | 1 = 1) {
  const message = `must be text of ${least} to ${maxLength} characters, without control characters`;
  return z
    .string(message)
    .check(z.minLength(least, message), z.maxLength(maxLength, message), z.regex(ONE_LINE, message));
}

/** What people call a key or a scope. */
export const nameField = line(MAX_NAME_LENGTH);

export function pattern(expression: RegExp, message: string) {
  return z.string(message).check(z.regex(expression, message));
}

/** An id of the operator's own: of a team, a project, a member (an e-mail address will do). */
export const SCOPE_ID = {
  expression: /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}$/,
  message: 'must be 1 to 128 of A-Z a-z 0-9 . _ : @ / + -, beginning with a letter or digit',
} as const;

/** The name of a tag or of an entry of metadata. */
export const ENTRY_NAME = {
  expression: /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
  message: 'names must be 1 to 128 of A-Z a-z 0-9 . _ : -, beginning with a letter or digit',
} as const;

/** An object of names with text values. */
export const entries = z.nullish(
  z
    .record(
      pattern(ENTRY_NAME.expression, ENTRY_NAME.message),
      line(MAX_VALUE_LENGTH, 0),
      `must be an object of at most ${MAX_ENTRIES} names with text values`,
    )
    .check(
      z.refine(
        (record) => Object.keys(record).length <= MAX_ENTRIES,
        `must have at most ${MAX_ENTRIES} names`,
      ),
    ),
);

export function list(item: z.ZodMiniType<string>) {
  const message = `must be a list of at most ${MAX_LIST_LENGTH} texts`;
  return z.nullish(z.array(item, message).check(z.maxLength(MAX_LIST_LENGTH, message)));
}

/** An amount of dollars that can be a limit. */
export function dollars() {
  const message = `must be a number of dollars above 0, at most ${MAX_USD}`;
  return z.number(message).check(z.gte(LEAST_USD, message), z.lte(MAX_USD, message));
}

/** A whole number. */
export function whole(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).check(z.gte(least, message), z.lte(most, message));
}

/** A moment with its zone. */
export const moment = z.iso.datetime({
  offset: true,
  error: 'must be an ISO 8601 time with zone, such as 2027-01-31T00:00:00Z',
});

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly issues?: readonly { readonly message: string }[];
}

/**
 * What a body holds, as a schema reads it.
 * @throws GatewayError `invalid_request` that names every field at fault, `unsupported_parameter` for what is not enforced
 */
export function validated<Output>(schema: z.ZodMiniType<Output>, body: JsonObject): Output {
  const refused = NOT_ENFORCED.filter((name) => body[name] !== undefined);
  if (refused[0] !== undefined)
    throw new GatewayError(
      'unsupported_parameter',
      `This version of Sluice does not enforce ${refused.join(', ')}, so it does not take ${refused.length === 1 ? 'it' : 'them'}.`,
      { param: refused[0] },
    );
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  // Zod types its issues as a union in which only some members have `keys` or `issues`.
  const faults = (result.error.issues as readonly Issue[]).flatMap((issue) => faultsOf(issue, body));
  const message = faults.map((fault) => `${fault.param}: ${fault.text}`).join('; ');
  throw new GatewayError('invalid_request', message.slice(0, 2_000), {
    param: faults[0]?.param ?? '',
  });
}

function faultsOf(issue: Issue, body: JsonObject): { readonly param: string; readonly text: string }[] {
  const path = pathIn(body, issue.path);
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? []).map((name) => ({
      param: path === '' ? name : `${path}.${name}`,
      text: 'unknown field',
    }));
  return [{ param: path, text: issue.issues?.[0]?.message ?? issue.message }];
}

/** The path to a fault as the body has it: what was given as one and read as a list of one has no index. */
function pathIn(body: JsonObject, path: readonly PropertyKey[]): string {
  const names: string[] = [];
  let value: unknown = body;
  for (const name of path) {
    if (typeof name === 'number' && !Array.isArray(value)) continue;
    names.push(String(name));
    // Only what has the name is looked into; whatever it is, it was parsed from JSON.
    value = (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[name];
  }
  return names.join('.');
}

/** Says what an object has to be, and leaves unknown fields to be named one by one. */
export function objectMessage(
  message: string,
): (issue: { readonly code?: string | undefined }) => string | undefined {
  return (issue) => (issue.code === 'unrecognized_keys' ? undefined : message);
}
