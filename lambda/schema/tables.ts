/** Whether an attribute holds text or a number. */
type AttributeType = 'S' | 'N';

interface KeyAttribute {
  readonly name: string;
  readonly type: AttributeType;
}

/** A second way to find items. */
export interface IndexDefinition {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  /** What of an item the index holds beside the keys: nothing, all of it, or these attributes. */
  readonly projection: 'KEYS_ONLY' | 'ALL' | { readonly include: readonly string[] };
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
 * `settings#<scope>` holds what an operator says of an organization, team, project, member or tag.
 * `spend`: `scope#<kind>#<id>` holds a scope's counters; `purse#…` money leased from all scopes of a key's requests;
 * `rate#<kind>#<id>` what a scope uses of its rate limits; `record#<request id>` what one request has come to; `notice#…` a
 * message not yet sent; `rollup#<day>#<shard>` with one sort key a key, provider and model. Index `open` holds purses that
 * hold money, and notices. Index `byDay` holds what named an end user, a session or tags, for reports by these.
 * `routing`: `outcomes#<minute>#<shard>` per deployment; `health` per deployment; `probe-spend` per month.
 * `cache`: `answer#<name>` is an answer that is kept, in several items where it is large; `claim#<name>` says who answers a
 * request; `vector#<partition>` holds vectors of the semantic cache on a local server. Names are keyed hashes: they tell nothing of what was asked, and nobody can guess them.
 *
 * Attributes of `spend`, money in nano-dollars:
 * - scope (sk `scope`): `policyVersion`; `purses` that hold money of it; per window id `committed:<window>`,
 *   `spent:<window>`; `noticed:<window>:<threshold>`. A session or end user also `calls`, and `e:<request id>.<leg>` as below.
 * - purse `<key id>#<policy version>#<period>#<which scopes>#<shard>` (sk `purse`): `scopes`, `windows`; `room` it may still
 *   promise; per reservation `e:<request id>.<leg>` (a list as JSON: estimate, expiry, start, deployment, own scopes);
 *   `open` of these, `leaves` that have ended; `spent` since the last fold and `u…:[<provider>,<model>]` of it; `foldedAtMs`,
 *   `foldedBeforeMs`, `fence`; while it holds money `openShard` (`open#<shard>`) and `expiresAtMs` (when upkeep looks).
 * - rate (sk `rate`): `minute` (Unix minutes), per minute `requests:<minute>`, `tokens:<minute>`; `slots`, and per minute of
 *   expiry `slots:<minute>`; `mark` of the last write. Kept a day after it.
 * - record (sk `leg#<leg>`, `correction#<leg>`): the fields of RequestFacts and RequestOutcome by name (lists and maps as
 *   JSON text), `estimate`, and `chargeDay` (`<day>#<shard>`) where index `byDay` wants it.
 * - notice (sk `notice`): the fields of BudgetNotice, `openShard` (`notice`), `expiresAtMs` (when it was queued).
 * - roll-up (sk `<key id>#<policy version>#<provider>#<model>`): the key's labels, `requests`, `costNano`, `promptTokens`, `completionTokens`.
 *
 * Attributes of `cache`:
 * - answer (sk `head`): `write` (which writing of it), `parts`, `data` (encrypted); more of it (sk `part#<write>#<n>`): `data`.
 * - vector (sk: the name of its answer): `vector` (four-byte numbers), `expiresAtMs`.
 * - claim (sk `claim`): `owner` (request id), `state`, `fingerprint` (a keyed hash), `expiresAtMs`.
 *
 * Records and roll-ups are kept 400 days, `outcomes` an hour, `health` a week after its last write,
 * answers and claims as long as they count (`expiresAtSeconds`).
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
      {
        name: 'byDay',
        partitionKey: text('chargeDay'),
        sortKey: number('startedAtMs'),
        projection: {
          include: [
            'keyId',
            'organization',
            'team',
            'project',
            'member',
            'endUser',
            'session',
            'tags',
            'provider',
            'model',
            'cost',
            'usage',
          ],
        },
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
  cache: {
    variable: 'SLUICE_CACHE_TABLE',
    partitionKey: text('pk'),
    sortKey: text('sk'),
    indexes: [],
    timeToLiveAttribute: 'expiresAtSeconds',
  },
} as const satisfies Record<string, TableDefinition>;

export type TableName = keyof typeof TABLES;

/** Shards of the index of open records, so that no partition of it takes all writes. */
export const OPEN_SHARDS = 16;
/** Shards of a day in the index of what end users, sessions and tags were charged. */
export const CHARGE_SHARDS = 16;
/** Shards of a day's roll-ups. */
export const ROLLUP_SHARDS = 8;
/** Shards of a minute's outcomes. */
export const OUTCOME_SHARDS = 4;
