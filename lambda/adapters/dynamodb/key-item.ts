import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type VirtualKeyId, virtualKeyId } from '../../domain/ids.ts';
import { NO_RULES, type ScopeRules } from '../../domain/scope-settings.ts';
import type { VirtualKey } from '../../domain/virtual-key.ts';
import {
  decodeFields,
  encodeFields,
  type Fields,
  type Item,
  integerField,
  jsonField,
  moneyJsonField,
  readText,
  textAttribute,
  textField,
} from './attributes.ts';

/** The partition of index `byKind` that lists virtual keys. */
export const KEY_KIND = 'key';

/** What the partition keys of virtual keys begin with. */
export const KEY_PREFIX = 'key#';
/** What the control plane accepts is shorter; this only keeps an item far below the service's 400 KB. */
const TEXT_BYTES = 1024;

const keyPartition = (id: VirtualKeyId): string => `${KEY_PREFIX}${id}`;

/** How the rules of any scope are kept. */
export const ruleFields: Fields<ScopeRules> = {
  models: jsonField(),
  providers: jsonField(),
  budgets: moneyJsonField(),
  increases: moneyJsonField(),
  rateLimits: jsonField(),
};

const keyFields: Fields<Omit<VirtualKey, 'id'>> = {
  name: textField(TEXT_BYTES),
  state: textField(TEXT_BYTES),
  organization: textField(TEXT_BYTES),
  team: textField(TEXT_BYTES),
  project: textField(TEXT_BYTES),
  member: textField(TEXT_BYTES),
  tags: jsonField(),
  ...ruleFields,
  sessionLimits: moneyJsonField(),
  endUserBudget: moneyJsonField(),
  cache: textField(TEXT_BYTES),
  metadata: jsonField(),
  policyVersion: integerField,
  createdAtMs: integerField,
  expiresAtMs: integerField,
  revokedAtMs: integerField,
  hint: textField(TEXT_BYTES),
  secretNumber: integerField,
  earlierSecrets: jsonField(),
};

/** The primary key of a virtual key. */
export const keyKey = (id: VirtualKeyId): Record<string, AttributeValue> => ({
  pk: textAttribute(keyPartition(id)),
});

/** What items written by earlier versions do not say. */
const DEFAULTS = { ...NO_RULES, secretNumber: 1, earlierSecrets: [] } as const;

export const keyItem = (key: VirtualKey): Record<string, AttributeValue> => ({
  ...encodeFields<Omit<VirtualKey, 'id'>>(keyFields, key),
  pk: textAttribute(keyPartition(key.id)),
  kind: textAttribute(KEY_KIND),
});

export const keyOfItem = (item: Item): VirtualKey => ({
  ...DEFAULTS,
  ...decodeFields(keyFields, item),
  id: virtualKeyId(readText(item, 'pk').slice(KEY_PREFIX.length)),
});

/** Whether two items of texts and numbers are equal. */
export const isSameItem = (a: Item, b: Item): boolean =>
  Object.keys({ ...a, ...b }).every((name) => a[name]?.S === b[name]?.S && a[name]?.N === b[name]?.N);
