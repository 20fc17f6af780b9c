import { describe, expect, test } from '@jest/globals';
import { TABLES, type TableDefinition } from '../../lambda/schema/tables.ts';
import { resourcesOf, synthesize } from './synth.ts';

const TABLE = 'AWS::DynamoDB::GlobalTable';
const SECRET = 'AWS::SecretsManager::Secret';
const LOGICAL_IDS = {
  keys: 'DataKeysACA0E3B2',
  spend: 'DataSpend49D6E3B2',
  routing: 'DataRoutingA83BCB60',
  cache: 'DataCache3513A55E',
} as const;

const ANSWER_SECRET = 'DataAnswerSecretC7385DDA';

const { data } = synthesize();
const tables = resourcesOf(data, TABLE);

describe('the tables', () => {
  test('keep their logical ids, since another one would be another table', () => {
    expect(Object.keys(tables).sort()).toEqual(Object.values(LOGICAL_IDS).sort());
  });

  test.each(Object.entries(TABLES))('%s is made as the schema says', (name, definition: TableDefinition) => {
    // The names of LOGICAL_IDS are those of TABLES, which the test before has checked.
    const properties = tables[LOGICAL_IDS[name as keyof typeof LOGICAL_IDS]]?.Properties;
    expect(properties?.['KeySchema']).toEqual(keySchema(definition));
    expect(properties?.['GlobalSecondaryIndexes'] ?? []).toEqual(
      definition.indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: keySchema(index),
        Projection:
          typeof index.projection === 'string'
            ? { ProjectionType: index.projection }
            : { ProjectionType: 'INCLUDE', NonKeyAttributes: index.projection.include },
      })),
    );
    expect(properties?.['TimeToLiveSpecification']).toEqual(
      definition.timeToLiveAttribute === undefined
        ? undefined
        : { AttributeName: definition.timeToLiveAttribute, Enabled: true },
    );
    expect(properties?.['AttributeDefinitions']).toEqual(
      expect.arrayContaining(
        [definition, ...definition.indexes].flatMap(({ partitionKey, sortKey }) =>
          [partitionKey, ...(sortKey ? [sortKey] : [])].map((key) => ({
            AttributeName: key.name,
            AttributeType: key.type,
          })),
        ),
      ),
    );
  });

  test.each(Object.values(LOGICAL_IDS))('%s cannot be lost, and costs nothing while idle', (logicalId) => {
    expect(tables[logicalId]).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        Replicas: [
          {
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          },
        ],
      },
    });
  });
});

describe('the secrets', () => {
  const { [ANSWER_SECRET]: answerSecret, ...secrets } = resourcesOf(data, SECRET);

  test('are one for each provider that needs a credential', () => {
    expect(Object.keys(secrets).sort()).toEqual([
      'DataProviderSecretsanthropicCFBC4FB6',
      'DataProviderSecretsinhouseDD4DD9E8',
      'DataProviderSecretsopenai1CB4FA1C',
    ]);
  });

  test.each(Object.entries(secrets))('%s starts without a key, and is never written again', (_id, secret) => {
    expect(secret).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(secret.Properties['SecretString']).toBeUndefined();
    expect(secret.Properties['GenerateSecretString']).toBeUndefined();
  });

  test('hold one that opens kept answers, which CloudFormation makes once and keeps', () => {
    expect(answerSecret).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(answerSecret?.Properties['GenerateSecretString']).toEqual({
      PasswordLength: 64,
      ExcludePunctuation: true,
    });
  });

  test('are named in the outputs', () => {
    const outputs = Object.keys(data.findOutputs('*'));
    expect(outputs).toEqual(expect.arrayContaining(['Secretanthropic', 'Secretinhouse', 'Secretopenai']));
  });
});

test('a customer-managed key encrypts tables and secrets, and outlives them', () => {
  const encrypted = synthesize({ customerManagedKey: true });
  const [keyId, ...others] = Object.keys(resourcesOf(encrypted.data, 'AWS::KMS::Key'));
  expect(others).toEqual([]);
  const keyArn = { 'Fn::GetAtt': [keyId, 'Arn'] };
  encrypted.data.allResources('AWS::KMS::Key', {
    DeletionPolicy: 'Retain',
    Properties: { EnableKeyRotation: true },
  });
  encrypted.data.allResourcesProperties(TABLE, {
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
    Replicas: [{ SSESpecification: { KMSMasterKeyId: keyArn } }],
  });
  encrypted.data.allResourcesProperties(SECRET, { KmsKeyId: keyArn });
});

function keySchema({ partitionKey, sortKey }: Pick<TableDefinition, 'partitionKey' | 'sortKey'>) {
  const partition = { AttributeName: partitionKey.name, KeyType: 'HASH' };
  return sortKey === undefined ? [partition] : [partition, { AttributeName: sortKey.name, KeyType: 'RANGE' }];
}
