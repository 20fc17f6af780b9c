import { GatewayError } from '../domain/errors.ts';
import type { Scope } from '../domain/money/budget.ts';
import { type ScopeSettings, SETTABLE_KINDS, type SettableKind } from '../domain/scope-settings.ts';
import { ENTRY_NAME, line, SCOPE_ID } from './body-schema.ts';

/** Where each kind of scope stands in the control plane's paths. */
export const COLLECTIONS = {
  organizations: 'organization',
  teams: 'team',
  projects: 'project',
  members: 'member',
  tags: 'tag',
} as const satisfies Readonly<Record<string, SettableKind>>;

const tagValue = line();

/** What an id of this kind has to be, if this text is none. */
export function faultOfId(kind: SettableKind, id: string): string | undefined {
  if (kind !== 'tag') return SCOPE_ID.expression.test(id) ? undefined : SCOPE_ID.message;
  const at = id.indexOf('=');
  const isTag = at > 0 && ENTRY_NAME.expression.test(id.slice(0, at)) && isTagValue(id.slice(at + 1));
  return isTag
    ? undefined
    : 'must be name=value, such as customer=acme: the name of A-Z a-z 0-9 . _ : -, the value of 1 to 256 characters without |';
}

// In a counter's name, "|" is where the model or provider begins that is counted apart.
const isTagValue = (value: string): boolean => tagValue.safeParse(value).success && !value.includes('|');

/** The id that a part of a path spells; `undefined` where it is no percent-encoding. */
export function decodedPart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The scope of a kind that a part of a path names. @throws GatewayError `not_found` for what cannot be an id */
export function scopeInPath(kind: SettableKind, pathPart: string): ScopeSettings['scope'] {
  const id = decodedPart(pathPart);
  if (id === undefined || faultOfId(kind, id) !== undefined) throw noSuchScope(kind, id ?? pathPart);
  return { kind, id };
}

export const noSuchScope = (kind: SettableKind, id: string): GatewayError =>
  new GatewayError(
    'not_found',
    `There are no settings for the ${kind} ${JSON.stringify(id.slice(0, 80))}. Create them first.`,
    { param: 'id' },
  );

/** A scope that operators set limits for. */
export type LimitedScope = ScopeSettings['scope'] | (Scope & { readonly kind: 'key' });

/** `team:search`, `key:key_0123`, `tag:customer=acme`: how operators name a scope. */
export const scopeText = ({ kind, id }: Scope): string => `${kind}:${id}`;

/** Reads what `scopeText` writes. @throws GatewayError `not_found` for what names no scope */
export function readScopeText(text: string): LimitedScope {
  const at = text.indexOf(':');
  const [kindText, id] = [text.slice(0, at), text.slice(at + 1)];
  const kind = SETTABLE_KINDS.find((known) => known === kindText);
  if (kindText === 'key') return { kind: 'key', id };
  if (kind !== undefined && faultOfId(kind, id) === undefined) return { kind, id };
  throw new GatewayError(
    'not_found',
    `${JSON.stringify(text.slice(0, 80))} names no scope. Write kind:id, such as team:search, key:key_… or tag:customer=acme (organization, team, project, member, tag, key).`,
    { param: 'scope' },
  );
}
