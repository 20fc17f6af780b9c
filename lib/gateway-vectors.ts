import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { CfnIndex, CfnVectorBucket } from 'aws-cdk-lib/aws-s3vectors';
import { RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

export interface GatewayVectorsProps {
  /** How many numbers a vector has. Another one makes another index, and the old one goes. */
  readonly dimensions: number;

  /**
   * Encrypts the vectors.
   *
   * @default - a key that Amazon S3 manages
   */
  readonly encryptionKey?: Key | undefined;
}

/**
 * The index of Amazon S3 Vectors in which the semantic cache looks for what was asked before. Unlike the tables it goes
 * with its stack: losing it costs some hits, and what derives from prompts shall not stay behind.
 */
export class GatewayVectors extends Construct {
  readonly indexArn: string;

  constructor(scope: Construct, id: string, { dimensions, encryptionKey }: GatewayVectorsProps) {
    super(scope, id);
    const bucket = new CfnVectorBucket(this, 'Bucket', {
      ...(encryptionKey && {
        encryptionConfiguration: { sseType: 'aws:kms', kmsKeyArn: encryptionKey.keyArn },
      }),
    });
    const index = new CfnIndex(this, 'Index', {
      vectorBucketArn: bucket.attrVectorBucketArn,
      dataType: 'float32',
      dimension: dimensions,
      distanceMetric: 'cosine',
    });
    for (const resource of [bucket, index]) resource.applyRemovalPolicy(RemovalPolicy.DESTROY);
    if (encryptionKey !== undefined) letServiceIndex(encryptionKey, Stack.of(this));
    this.indexArn = index.attrIndexArn;
  }
}

/**
 * The service keeps its indexes in order in the background, and reads them for that in its own name.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-data-encryption.html
 */
function letServiceIndex(key: Key, stack: Stack): void {
  key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('indexing.s3vectors.amazonaws.com')],
      actions: ['kms:Decrypt'],
      resources: ['*'],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: {
          'aws:SourceArn': stack.formatArn({ service: 's3vectors', resource: 'bucket', resourceName: '*' }),
        },
      },
    }),
  );
}
