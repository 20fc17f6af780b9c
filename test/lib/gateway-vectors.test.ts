import { describe, expect, test } from '@jest/globals';
import type { Template } from 'aws-cdk-lib/assertions';
import { SEMANTIC_CONFIG_FILE as configFile, resourcesOf, synthesize } from './synth.ts';

const BUCKET = 'AWS::S3Vectors::VectorBucket';
const INDEX = 'AWS::S3Vectors::Index';

const semantic = synthesize({ configFile });
const encrypted = synthesize({ configFile, customerManagedKey: true });

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const rolesOf = (template: Template): readonly { readonly id: string; readonly statements: Statement[] }[] =>
  Object.entries(resourcesOf(template, 'AWS::IAM::Role')).map(([id, { Properties }]) => {
    // Roles of functions are written by our own construct, with inline policies.
    const policies = (Properties['Policies'] ?? []) as { PolicyDocument: { Statement: Statement[] } }[];
    return { id, statements: policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement) };
  });

const variablesOf = (template: Template, name: string): object => {
  const [, found] =
    Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).find(([id]) => id.includes(name)) ?? [];
  const environment = found?.Properties['Environment'] as { readonly Variables: object } | undefined;
  return environment?.Variables ?? {};
};

test('without a semantic cache there is no bucket, no right and no variable for one', () => {
  const plain = synthesize();
  expect(resourcesOf(plain.data, BUCKET)).toEqual({});
  expect(resourcesOf(plain.data, INDEX)).toEqual({});
  for (const template of [plain.data, plain.gateway, plain.observability])
    expect(JSON.stringify(template.toJSON())).not.toMatch(/s3vectors|VECTOR/i);
});

describe('with a semantic cache', () => {
  const indexes = resourcesOf(semantic.data, INDEX);
  const [indexId] = Object.keys(indexes);

  test('there is one index, which measures angles between vectors of the configured dimension', () => {
    const [bucketId] = Object.keys(resourcesOf(semantic.data, BUCKET));
    expect(Object.values(indexes)).toMatchObject([
      {
        DeletionPolicy: 'Delete',
        Properties: {
          DataType: 'float32',
          Dimension: 1_536,
          DistanceMetric: 'cosine',
          VectorBucketArn: { 'Fn::GetAtt': [bucketId, 'VectorBucketArn'] },
        },
      },
    ]);
  });

  test('it has no name of its own, so that another dimension can replace it', () => {
    expect(Object.values(indexes)[0]?.Properties['IndexName']).toBeUndefined();
  });

  test('inference finds and adds vectors, upkeep lists and deletes them, and nobody else is let near', () => {
    const rights = [...rolesOf(semantic.gateway), ...rolesOf(semantic.observability)].flatMap(
      ({ id, statements }) =>
        statements
          .filter(({ Action }) => JSON.stringify(Action).includes('s3vectors:'))
          .map(({ Action, Resource }) => ({ id: id.replace(/Role.*/, ''), Action, Resource })),
    );
    const resource = expect.objectContaining({
      'Fn::GetStackOutput': expect.objectContaining({ StackName: 'Sluice-Data' }),
    });
    expect(rights).toEqual([
      {
        id: 'FunctionsInference',
        Action: ['s3vectors:GetVectors', 's3vectors:PutVectors', 's3vectors:QueryVectors'],
        Resource: resource,
      },
      {
        id: 'FunctionsUpkeep',
        Action: ['s3vectors:DeleteVectors', 's3vectors:GetVectors', 's3vectors:ListVectors'],
        Resource: resource,
      },
    ]);
    expect(JSON.stringify(rights)).toContain(String(indexId));
  });

  test('those two are told its ARN, and no others', () => {
    for (const name of ['Inference', 'Upkeep'])
      expect(variablesOf(semantic.gateway, name)).toHaveProperty('SLUICE_VECTOR_INDEX_ARN');
    expect(variablesOf(semantic.gateway, 'Admin')).not.toHaveProperty('SLUICE_VECTOR_INDEX_ARN');
  });
});

describe('with a customer-managed key', () => {
  const [keyId, key] = Object.entries(resourcesOf(encrypted.data, 'AWS::KMS::Key'))[0] ?? [];

  test('vectors are encrypted with it', () => {
    encrypted.data.allResourcesProperties(BUCKET, {
      EncryptionConfiguration: { SseType: 'aws:kms', KmsKeyArn: { 'Fn::GetAtt': [keyId, 'Arn'] } },
    });
  });

  test('the service may read with it to keep its index in order, for buckets of this account only', () => {
    const policy = key?.Properties['KeyPolicy'] as { readonly Statement: readonly object[] } | undefined;
    expect(policy?.Statement).toContainEqual({
      Effect: 'Allow',
      Principal: { Service: 'indexing.s3vectors.amazonaws.com' },
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: {
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        ArnLike: { 'aws:SourceArn': expect.anything() },
      },
    });
    expect(JSON.stringify(policy)).toContain(':bucket/*');
  });

  test('the functions use it through Amazon S3 Vectors only where they may touch vectors', () => {
    const services = Object.fromEntries(
      rolesOf(encrypted.gateway).map(({ id, statements }) => [
        id.replace(/Role.*/, ''),
        JSON.stringify(statements.find(({ Action }) => JSON.stringify(Action).includes('kms:'))?.Condition),
      ]),
    );
    expect(services['FunctionsInference']).toContain('s3vectors.');
    expect(services['FunctionsAdmin']).not.toContain('s3vectors.');
  });
});
