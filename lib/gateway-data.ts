import {
  AttributeType,
  Billing,
  CfnGlobalTable,
  type GlobalSecondaryIndexPropsV2,
  ProjectionType,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type CfnResource, RemovalPolicy, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { TABLES, type TableDefinition, type TableName } from '../lambda/schema/tables.ts';
import { GatewayVectors } from './gateway-vectors.ts';

export interface GatewayDataProps {
  /** Names of the providers that need a credential; each gets a secret. */
  readonly providers: readonly string[];

  /**
   * How many numbers the vectors of the semantic cache have.
   *
   * @default - the configuration turns no semantic cache on: there is no index of vectors
   */
  readonly vectorDimensions?: number | undefined;

  /**
   * Whether tables and secrets are encrypted with a key of the account's own, made here and rotated yearly.
   *
   * @default false - keys that AWS owns (tables) and manages (secrets), at no cost
   */
  readonly customerManagedKey?: boolean | undefined;
}

/**
 * Everything that must outlive a deployment: the tables, the providers' secrets, and the key that encrypts them. All of
 * it is kept when the stack goes, and the tables refuse to be deleted at all.
 */
export class GatewayData extends Construct {
  readonly tables: Readonly<Record<TableName, TableV2>>;
  /** By provider name. */
  readonly providerSecrets: Readonly<Record<string, Secret>>;
  /** Opens what is kept in table `cache`; nothing else does. */
  readonly answerSecret: Secret;
  /** `undefined` where there is no semantic cache. */
  readonly vectors: GatewayVectors | undefined;
  /** `undefined` where AWS's own keys encrypt. */
  readonly encryptionKey: Key | undefined;

  constructor(scope: Construct, id: string, props: GatewayDataProps) {
    super(scope, id);
    this.encryptionKey = props.customerManagedKey === true ? this.#key() : undefined;
    this.tables = {
      keys: this.#table('Keys', TABLES.keys),
      spend: this.#table('Spend', TABLES.spend),
      routing: this.#table('Routing', TABLES.routing),
      cache: this.#table('Cache', TABLES.cache),
    };
    this.answerSecret = this.#answerSecret();
    const { vectorDimensions: dimensions } = props;
    this.vectors =
      dimensions === undefined
        ? undefined
        : new GatewayVectors(this, 'Vectors', { dimensions, encryptionKey: this.encryptionKey });
    const secrets = new Construct(this, 'ProviderSecrets');
    this.providerSecrets = Object.fromEntries(
      props.providers.map((provider) => [provider, this.#providerSecret(secrets, provider)]),
    );
  }

  #key(): Key {
    return new Key(this, 'Key', {
      description: 'Encrypts the tables and secrets of Sluice',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  #table(id: string, definition: TableDefinition): TableV2 {
    const { sortKey, timeToLiveAttribute } = definition;
    const table = new TableV2(this, id, {
      partitionKey: attribute(definition.partitionKey),
      ...(sortKey && { sortKey: attribute(sortKey) }),
      ...(timeToLiveAttribute !== undefined && { timeToLiveAttribute }),
      globalSecondaryIndexes: definition.indexes.map(secondaryIndex),
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    if (this.encryptionKey !== undefined) encrypt(table, this.encryptionKey);
    return table;
  }

  /** Made once, by CloudFormation: nobody has to know it. A new value would make unreadable what is kept, and nothing worse. */
  #answerSecret(): Secret {
    const secret = new Secret(this, 'AnswerSecret', {
      description:
        'Opens the answers that Sluice keeps in its cache table. Without it the table tells nothing.',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      ...(this.encryptionKey && { encryptionKey: this.encryptionKey }),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'A new value makes every kept answer unreadable, so it is changed by a person who wants that: docs/operations.md.',
    });
    return secret;
  }

  /**
   * A secret without a value, which reads as "no key yet".
   * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html
   */
  #providerSecret(scope: Construct, provider: string): Secret {
    const secret = new Secret(scope, provider, {
      description: `Keys of the provider "${provider}", as {"keys":["…"]}. Several are used in turn.`,
      ...(this.encryptionKey && { encryptionKey: this.encryptionKey }),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // CDK would have a random text generated, which looks like a key. Without a text in the template there is also none
    // that a later deployment could write over the operator's keys.
    resourceOf(secret, CfnSecret).addPropertyDeletionOverride('GenerateSecretString');
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'The provider issues these keys, and has no interface that a rotation function could call. A changed secret is read without a deployment.',
    });
    return secret;
  }
}

const ATTRIBUTE_TYPES = { S: AttributeType.STRING, N: AttributeType.NUMBER } as const;

const attribute = ({ name, type }: TableDefinition['partitionKey']) => ({
  name,
  type: ATTRIBUTE_TYPES[type],
});

const secondaryIndex = (index: TableDefinition['indexes'][number]): GlobalSecondaryIndexPropsV2 => ({
  indexName: index.name,
  partitionKey: attribute(index.partitionKey),
  ...(index.sortKey && { sortKey: attribute(index.sortKey) }),
  ...(typeof index.projection === 'string'
    ? { projectionType: ProjectionType[index.projection] }
    : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...index.projection.include] }),
});

/**
 * `TableEncryptionV2.customerManagedKey` does the same, but refuses a stack whose region is only known at deployment, for
 * the sake of replicas that there are none of.
 */
function encrypt(table: TableV2, key: Key): void {
  const resource = resourceOf(table, CfnGlobalTable);
  resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS' });
  resource.addPropertyOverride('Replicas.0.SSESpecification.KMSMasterKeyId', key.keyArn);
}

/** The CloudFormation resource that a construct stands for, to say what the construct has no property for. */
function resourceOf<Resource extends CfnResource>(
  construct: Construct,
  type: abstract new (...parameters: never[]) => Resource,
): Resource {
  const resource = construct.node.defaultChild;
  if (!(resource instanceof type))
    throw new Error(`${construct.node.path} does not stand for a ${type.name}`);
  return resource;
}
