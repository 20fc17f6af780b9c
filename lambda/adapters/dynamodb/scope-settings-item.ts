import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { scopeName } from '../../domain/money/budget.ts';
import type { ScopeSettings, SettableKind } from '../../domain/scope-settings.ts';
import {
  decodeFields,
  encodeFields,
  type Fields,
  type Item,
  integerField,
  jsonField,
  readText,
  textAttribute,
  textField,
} from './attributes.ts';
import { ruleFields } from './key-item.ts';
import { scopeOfName } from './scope-item.ts';

const PARTITION = 'settings#';
const NAME_BYTES = 1024;

const settingsFields: Fields<Omit<ScopeSettings, 'scope'>> = {
  name: textField(NAME_BYTES),
  ...ruleFields,
  metadata: jsonField(),
  policyVersion: integerField,
  createdAtMs: integerField,
  clearedAtMs: integerField,
};

/** The key of a scope's settings in table `keys`, by the scope's name. */
export const settingsKey = (name: string): Record<string, AttributeValue> => ({
  pk: textAttribute(`${PARTITION}${name}`),
});

/** What the partition keys of settings of a kind begin with. */
export const settingsPrefix = (kind: SettableKind): string => `${PARTITION}${kind}#`;

/** Cleared settings stand in no list: they have no `kind`, which is the list's partition. */
export const settingsItem = (settings: ScopeSettings): Record<string, AttributeValue> => ({
  ...encodeFields<Omit<ScopeSettings, 'scope'>>(settingsFields, settings),
  ...settingsKey(scopeName(settings.scope)),
  ...(settings.clearedAtMs === undefined && { kind: textAttribute(settings.scope.kind) }),
});

export function settingsOfItem(item: Item): ScopeSettings {
  const { kind, id } = scopeOfName(readText(item, 'pk').slice(PARTITION.length));
  // Only settings of settable kinds are put.
  return { ...decodeFields(settingsFields, item), scope: { kind: kind as SettableKind, id } };
}
