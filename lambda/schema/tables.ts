/** Whether an attribute holds text or a number. */
type AttributeType = 'S' | 'N';

interface KeyAttribute {
  readonly name: string;
  readonly type: AttributeType;
}

interface IndexDefinition {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  readonly projection: 'KEYS_ONLY' | 'ALL';
}

/** One table: what the CDK data stack deploys and what the local server creates are both made from this. */
export interface TableDefinition {
  /** Name of the environment variable that carries the table's deployed name. */
  readonly variable: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  readonly indexes: readonly IndexDefinition[];
  /** Attribute with a Unix time in seconds after which the service may delete the item. */
  readonly timeToLiveAttribute?: string;
}

const text = (name: string): KeyAttribute => ({ name, type: 'S' });
const number = (name: string): KeyAttribute => ({ name, type: 'N' });

/**
 * All tables.
 *
 * `keys`: `key#<id>` is a virtual key's policy, `secret#<sha-256>` points to it. Index `byKind` lists by creation time.
 * `spend`: `scope#<kind>#<id>` holds a scope's counters; `rate#<kind>#<id>` what it uses of its rate limits;
 * `record#<request id>` one request; `notice#…` a message not yet sent; `rollup#<day>#<shard>` with one sort key a key,
 * provider and model. Index `open` holds only what is not finished.
 * `routing`: `outcomes#<minute>#<shard>` per deployment; `health` per deployment; `probe-spend` per month.
 *
 * Attributes of `spend`, money in nano-dollars:
 * - scope (sk `scope`): `policyVersion`; per window id `committed:<window>`, `spent:<window>`; `noticed:<window>:<threshold>`.
 * - rate (sk `rate`): `minute` (Unix minutes), per minute `requests:<minute>`, `tokens:<minute>`; `slots`, and per minute of
 *   expiry `slots:<minute>`; `mark` of the last write. Kept a day after it.
 * - record (sk `record`): the fields of RequestFacts and RequestOutcome by name (lists and maps as JSON text), `state`,
 *   `estimate`, `scopes` and `windows` (of the reservation), `expiresAtMs`, and while not closed `openShard` (`open#<shard>`).
 * - notice (sk `notice`): the fields of BudgetNotice, `openShard` (`notice`), `expiresAtMs` (when it was queued).
 * - roll-up (sk `<key id>#<provider>#<model>`): `requests`, `costNano`, `promptTokens`, `completionTokens`.
 * Records and roll-ups are kept 400 days, `outcomes` an hour, `health` a week after its last write (`expiresAtSeconds`).
 */
export const TABLES = {
  keys: {
    variable: 'SLUICE_KEYS_TABLE',
    partitionKey: text('pk'),
    indexes: [
      { name: 'byKind', partitionKey: text('kind'), sortKey: number('createdAtMs'), projection: 'ALL' },
    ],
  },
  spend: {
    variable: 'SLUICE_SPEND_TABLE',
    partitionKey: text('pk'),
    sortKey: text('sk'),
    indexes: [
      {
        name: 'open',
        partitionKey: text('openShard'),
        sortKey: number('expiresAtMs'),
        projection: 'KEYS_ONLY',
      },
    ],
    timeToLiveAttribute: 'expiresAtSeconds',
  },
  routing: {
    variable: 'SLUICE_ROUTING_TABLE',
    partitionKey: text('pk'),
    sortKey: text('sk'),
    indexes: [],
    timeToLiveAttribute: 'expiresAtSeconds',
  },
} as const satisfies Record<string, TableDefinition>;

export type TableName = keyof typeof TABLES;

/** Shards of the index of open records, so that no partition of it takes all writes. */
export const OPEN_SHARDS = 16;
/** Shards of a day's roll-ups. */
export const ROLLUP_SHARDS = 8;
/** Shards of a minute's outcomes. */
export const OUTCOME_SHARDS = 4;
