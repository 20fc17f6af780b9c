import { GatewayError } from '../../domain/errors.ts';
import { type Scope, scopeName } from '../../domain/money/budget.ts';
import type { ScopeSettings } from '../../domain/scope-settings.ts';
import type { ScopeStore } from '../../ports/key-store.ts';
import { numberAttribute } from './attributes.ts';
import { isSameItem } from './key-item.ts';
import { listKind } from './list-kind.ts';
import { scopeKey } from './scope-item.ts';
import { settingsItem, settingsKey, settingsOfItem } from './scope-settings-item.ts';
import { readItem, type Store, transact, withRetries } from './store.ts';

/** Settings of organizations, teams, projects, members and tags in table `keys`, with their scopes in `spend`. */
export const dynamoScopeStore = (store: Store): ScopeStore => ({
  find: (scope) => findSettings(store, scope),
  list: (kind, page) => listKind(store, kind, page, settingsOfItem),
  put: (settings) => putSettings(store, settings),
});

/** Read with strong consistency; `undefined` where a scope has no settings. */
export async function findSettings(store: Store, scope: Scope): Promise<ScopeSettings | undefined> {
  const item = await readItem(store, 'keys', settingsKey(scopeName(scope)));
  return item === undefined ? undefined : settingsOfItem(item);
}

/** Replaces the settings and bumps their version in both tables, so that no reservation under the old ones succeeds. */
async function putSettings(store: Store, settings: ScopeSettings): Promise<ScopeSettings> {
  const next: ScopeSettings = { ...settings, policyVersion: settings.policyVersion + 1 };
  const item = settingsItem(next);
  const isTheVersionItWasMadeFrom =
    settings.policyVersion === 0 ? 'attribute_not_exists(policyVersion)' : 'policyVersion = :from';
  const from = settings.policyVersion === 0 ? {} : { ':from': numberAttribute(settings.policyVersion) };
  return withRetries(store, async (earlier) => {
    const result = await transact(store, [
      {
        Put: {
          TableName: store.tables.keys,
          Item: item,
          ConditionExpression: isTheVersionItWasMadeFrom,
          ...(settings.policyVersion !== 0 && { ExpressionAttributeValues: from }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        Update: {
          TableName: store.tables.spend,
          Key: scopeKey(scopeName(settings.scope)),
          UpdateExpression: 'SET policyVersion = :to',
          ConditionExpression: isTheVersionItWasMadeFrom,
          ExpressionAttributeValues: { ...from, ':to': numberAttribute(next.policyVersion) },
        },
      },
    ]);
    if (result.type === 'done') return next;
    const standing = result.failed[0]?.item;
    if (earlier.answerLost && standing !== undefined && isSameItem(standing, item)) return next;
    throw new GatewayError('idempotency_conflict', 'The settings were changed by somebody else. Read them again.');
  });
}
