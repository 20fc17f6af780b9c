import { GatewayError } from '../domain/errors.ts';
import { ENTRY_NAME } from './body-schema.ts';

/** What a spend report can be grouped by, beside tags. */
export const SPEND_GROUPS = [
  'key',
  'team',
  'project',
  'organization',
  'member',
  'end_user',
  'model',
  'provider',
  'session',
  'day',
] as const;

/** `tag:customer` groups by the values of one tag. */
export type SpendGroup = (typeof SPEND_GROUPS)[number] | `tag:${string}`;

/** The question a spend report answers. Days are ISO dates (UTC), both inclusive. */
export interface SpendQuery {
  readonly from: string;
  readonly to: string;
  readonly groupBy: readonly SpendGroup[];
}

const MAX_DAYS = 366;
const DAY_MS = 86_400_000;
const PARAMETERS: ReadonlySet<string> = new Set(['from', 'to', 'group_by']);

/**
 * Reads the query of `GET /admin/spend`: by default the current month to today, by key.
 * @throws GatewayError `invalid_request` naming the parameter
 */
export function parseSpendQuery(query: URLSearchParams, nowMs: number): SpendQuery {
  // A filter that is passed over would give a wrong sum that looks right.
  const unknown = [...query.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined)
    throw refuse(unknown, `is unknown; the report takes ${[...PARAMETERS].join(', ')}`);
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const to = readDay(query, 'to') ?? today;
  const from = readDay(query, 'from') ?? `${to.slice(0, 7)}-01`;
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) throw refuse('from', `must not be after to (${to})`);
  if (days > MAX_DAYS) throw refuse('from', `must be at most ${MAX_DAYS} days before to, both counted`);
  return { from, to, groupBy: readGroups(query) };
}

function readDay(query: URLSearchParams, name: 'from' | 'to'): string | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const timeMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // 2026-02-30 parses, as the second of March.
  if (Number.isNaN(timeMs) || new Date(timeMs).toISOString().slice(0, 10) !== text)
    throw refuse(name, 'must be a day such as 2026-11-20');
  return text;
}

function readGroups(query: URLSearchParams): readonly SpendGroup[] {
  const names = query
    .getAll('group_by')
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());
  if (names.length === 0) return ['key'];
  const groups = names.flatMap((name) => groupNamed(name) ?? []);
  if (groups.length !== names.length || new Set(groups).size !== groups.length || groups.length > 2)
    throw refuse('group_by', `must be one or two different of ${SPEND_GROUPS.join(', ')}, tag:<name>`);
  return groups;
}

function groupNamed(name: string): SpendGroup | undefined {
  if (isTagGroup(name) && ENTRY_NAME.expression.test(name.slice(TAG.length))) return name;
  return SPEND_GROUPS.find((group) => group === name);
}

const TAG = 'tag:';

/** Whether a name groups by a tag. */
const isTagGroup = (name: string): name is `tag:${string}` => name.startsWith(TAG);

/** The tag that a group groups by; `undefined` for all other groups. */
export const tagOf = (group: SpendGroup): string | undefined =>
  isTagGroup(group) ? group.slice(TAG.length) : undefined;

/** Refuses a parameter. */
export const refuse = (param: string, text: string): GatewayError =>
  new GatewayError('invalid_request', `${param.slice(0, 100)}: ${text}.`, { param: param.slice(0, 100) });
