import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { TABLES } from '../lambda/schema/tables.ts';
import { accessStatements, bedrockResources, FUNCTION_ACCESS, tableNames } from './function-access.ts';
import { functionCode, type HandlerName } from './function-code.ts';
import type { GatewayData } from './gateway-data.ts';
import { callsBedrock, loadOperatorConfig } from './operator-config.ts';

export interface GatewayFunctionProps {
  readonly handler: HandlerName;
  readonly description: string;
  readonly data: GatewayData;
  /** Path of the operator's `gateway.config.ts`. */
  readonly configFile: string;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;

  /**
   * Variables of this function beside those that name tables and secrets.
   *
   * @default - none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined;

  /**
   * Statements beside those of `FUNCTION_ACCESS`.
   *
   * @default - none
   */
  readonly statements?: readonly PolicyStatement[] | undefined;

  /**
   * Environments set aside for this function, which are also the most it can have.
   *
   * @default - what the account has left
   */
  readonly reservedConcurrency?: number | undefined;

  /**
   * How long its logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays | undefined;
}

/** One function with its log group and a role that can do what the function does, and nothing else. */
export class GatewayFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: GatewayFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: functionCode(props.handler, props.configFile),
      role: this.#role(props, logGroup),
      logGroup,
      environment: this.#environment(props),
      memorySize: props.memoryMegabytes,
      timeout: Duration.seconds(props.timeoutSeconds),
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
    });
  }

  /** In place of AWSLambdaBasicExecutionRole, which may write every log group of the account. */
  #role(props: GatewayFunctionProps, logGroup: LogGroup): Role {
    const writeLogs = new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    });
    const bedrock = callsBedrock(loadOperatorConfig(props.configFile));
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        Access: new PolicyDocument({
          statements: [
            writeLogs,
            ...accessStatements(props.handler, props.data, bedrock),
            ...(props.statements ?? []),
          ],
        }),
      },
    });
    if (bedrock && FUNCTION_ACCESS[props.handler].providerSecrets) this.#answerForBedrock(role);
    return role;
  }

  /** cdk-nag names a wildcard as it stands in the template, with what is only known at deployment between angle brackets. */
  #answerForBedrock(role: Role): void {
    const { account } = Stack.of(this);
    const shown = Token.isUnresolved(account) ? '<AWS::AccountId>' : account;
    Validations.of(role).acknowledge(
      ...bedrockResources('<AWS::Partition>', shown).map((resource) => ({
        id: `AwsSolutions-IAM5[Resource::${resource}]`,
        reason:
          'Any model of Amazon Bedrock may be called by its name, in whichever region its profile runs it: docs/providers.md.',
      })),
    );
  }

  /**
   * `SLUICE_SECRETS` maps provider names to the ARNs of their secrets, as JSON; `SLUICE_ANSWER_SECRET_ARN` and
   * `SLUICE_VECTOR_INDEX_ARN` are one each.
   */
  #environment({ handler, data, environment }: GatewayFunctionProps): Record<string, string> {
    const tables = tableNames().map((name) => [TABLES[name].variable, data.tables[name].tableName]);
    const secrets = Object.entries(data.providerSecrets).map(([name, { secretArn }]) => [name, secretArn]);
    return {
      ...Object.fromEntries(tables),
      ...(FUNCTION_ACCESS[handler].providerSecrets && {
        SLUICE_SECRETS: Stack.of(this).toJsonString(Object.fromEntries(secrets)),
      }),
      ...(FUNCTION_ACCESS[handler].answerSecret && { SLUICE_ANSWER_SECRET_ARN: data.answerSecret.secretArn }),
      ...(data.vectors !== undefined &&
        FUNCTION_ACCESS[handler].vectors.length > 0 && { SLUICE_VECTOR_INDEX_ARN: data.vectors.indexArn }),
      ...environment,
    };
  }
}
