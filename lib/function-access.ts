import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Stack } from 'aws-cdk-lib/core';
import { BUDGET_EVENT } from '../lambda/schema/metrics.ts';
import { TABLES, type TableName } from '../lambda/schema/tables.ts';
import type { HandlerName } from './function-code.ts';
import type { GatewayData } from './gateway-data.ts';

type TableAction = 'GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

/** To filter by what is kept beside vectors, or to be told it, takes `GetVectors`. */
type VectorAction = 'QueryVectors' | 'GetVectors' | 'PutVectors' | 'ListVectors' | 'DeleteVectors';

type IndexName = (typeof TABLES)[TableName]['indexes'][number]['name'];

interface FunctionAccess {
  readonly tables: Readonly<Record<TableName, readonly TableAction[]>>;
  /** Which indexes it queries. */
  readonly indexes: readonly IndexName[];
  /** What it may do with the vectors of the semantic cache, where there is one. */
  readonly vectors: readonly VectorAction[];
  /** Whether it calls providers, and so reads their credentials. */
  readonly providerSecrets: boolean;
  /** Whether it keeps answers, and gives them again. */
  readonly answerSecret: boolean;
  /** Whether it announces crossed budget thresholds. */
  readonly budgetEvents: boolean;
}

/**
 * What each function may do with what is kept. Nobody scans, nobody deletes a key, and only the admin function changes one:
 * a fault in the inference function cannot raise its caller's own budget policy.
 */
export const FUNCTION_ACCESS: Readonly<Record<HandlerName, FunctionAccess>> = {
  inference: {
    tables: {
      keys: ['GetItem', 'Query'],
      spend: ['GetItem', 'Query', 'PutItem', 'UpdateItem'],
      routing: ['Query', 'UpdateItem'],
      cache: ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
    },
    indexes: ['byKind'],
    vectors: ['QueryVectors', 'GetVectors', 'PutVectors'],
    providerSecrets: true,
    answerSecret: true,
    budgetEvents: false,
  },
  admin: {
    tables: {
      keys: ['GetItem', 'Query', 'PutItem'],
      spend: ['GetItem', 'Query', 'PutItem', 'UpdateItem'],
      routing: ['Query'],
      cache: [],
    },
    indexes: ['byKind', 'byDay'],
    vectors: [],
    providerSecrets: false,
    answerSecret: false,
    budgetEvents: false,
  },
  upkeep: {
    tables: {
      keys: ['GetItem', 'Query'],
      spend: ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'],
      routing: ['Query', 'UpdateItem'],
      cache: [],
    },
    indexes: ['byKind', 'open'],
    vectors: ['ListVectors', 'GetVectors', 'DeleteVectors'],
    providerSecrets: true,
    answerSecret: false,
    budgetEvents: true,
  },
  'budget-widget': {
    tables: {
      keys: ['GetItem', 'Query'],
      spend: ['GetItem', 'Query'],
      routing: ['Query'],
      cache: [],
    },
    indexes: ['byKind'],
    vectors: [],
    providerSecrets: false,
    answerSecret: false,
    budgetEvents: false,
  },
};

/**
 * The statements that give a function what `FUNCTION_ACCESS` says, and nothing else.
 * @param callsBedrock whether those that call providers call Amazon Bedrock in the account's own name
 */
export function accessStatements(
  name: HandlerName,
  data: GatewayData,
  callsBedrock: boolean,
): readonly PolicyStatement[] {
  const access = FUNCTION_ACCESS[name];
  const secrets = [
    ...(access.providerSecrets ? Object.values(data.providerSecrets) : []),
    ...(access.answerSecret ? [data.answerSecret] : []),
  ];
  const tables = tableNames().filter((table) => access.tables[table].length > 0);
  return [
    ...tables.map((table) => tableStatement(table, access, data)),
    ...(secrets.length === 0
      ? []
      : [statement(['secretsmanager:GetSecretValue'], ...secrets.map((secret) => secret.secretArn))]),
    ...vectorStatements(access, data),
    ...keyStatements(access, data),
    ...(access.budgetEvents ? [budgetEventStatement(data)] : []),
    ...(callsBedrock && access.providerSecrets ? [bedrockStatement(data)] : []),
  ];
}

/** Names of all tables, typed. */
// Object.keys() of a constant object gives exactly its keys.
export const tableNames = (): readonly TableName[] => Object.keys(TABLES) as TableName[];

function tableStatement(name: TableName, access: FunctionAccess, data: GatewayData): PolicyStatement {
  const { tableArn } = data.tables[name];
  const indexes = TABLES[name].indexes.filter((index) => access.indexes.includes(index.name));
  return statement(
    access.tables[name].map((action) => `dynamodb:${action}`),
    tableArn,
    ...indexes.map((index) => `${tableArn}/index/${index.name}`),
  );
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-access-management.html */
const vectorStatements = ({ vectors }: FunctionAccess, data: GatewayData): readonly PolicyStatement[] =>
  data.vectors === undefined || vectors.length === 0
    ? []
    : [
        statement(
          vectors.map((action) => `s3vectors:${action}`),
          data.vectors.indexArn,
        ),
      ];

/**
 * DynamoDB, Secrets Manager and S3 Vectors use a customer-managed key in the caller's name; through them only, never directly.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
function keyStatements(access: FunctionAccess, data: GatewayData): readonly PolicyStatement[] {
  if (data.encryptionKey === undefined) return [];
  const { region, urlSuffix } = Stack.of(data);
  const services = [
    'dynamodb',
    ...(access.providerSecrets ? ['secretsmanager'] : []),
    ...(data.vectors !== undefined && access.vectors.length > 0 ? ['s3vectors'] : []),
  ];
  const writes = Object.values(access.tables).flat().includes('UpdateItem');
  return [
    new PolicyStatement({
      actions: [...READ_WITH_KEY, ...(writes ? WRITE_WITH_KEY : [])],
      resources: [data.encryptionKey.keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': services.map((service) => `${service}.${region}.${urlSuffix}`) },
      },
    }),
  ];
}

const READ_WITH_KEY = ['kms:Decrypt', 'kms:DescribeKey'];
const WRITE_WITH_KEY = ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'];

/** `events:source` and `events:detail-type` narrow it to the one event that Sluice sends. */
function budgetEventStatement(data: GatewayData): PolicyStatement {
  const bus = Stack.of(data).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' });
  return new PolicyStatement({
    actions: ['events:PutEvents'],
    resources: [bus],
    conditions: {
      StringEquals: {
        'events:source': BUDGET_EVENT.source,
        'events:detail-type': BUDGET_EVENT.detailType,
      },
    },
  });
}

/**
 * Which models there are, and in which regions a profile runs them, callers and AWS decide: every model of AWS's, and the
 * account's own profiles and imported models.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-prereq.html
 */
export const bedrockResources = (partition: string, account: string): readonly string[] => [
  `arn:${partition}:bedrock:*::foundation-model/*`,
  ...['inference-profile', 'application-inference-profile', 'imported-model', 'provisioned-model'].map(
    (kind) => `arn:${partition}:bedrock:*:${account}:${kind}/*`,
  ),
];

function bedrockStatement(data: GatewayData): PolicyStatement {
  const { partition, account } = Stack.of(data);
  return statement(
    ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
    ...bedrockResources(partition, account),
  );
}

const statement = (actions: readonly string[], ...resources: readonly string[]): PolicyStatement =>
  new PolicyStatement({ actions: [...actions], resources: [...resources] });
