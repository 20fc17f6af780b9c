import { type IGrantable, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  type FunctionUrl,
  FunctionUrlAuthType,
  InvokeMode,
  type Function as LambdaFunction,
} from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Duration, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { GatewayData } from './gateway-data.ts';
import { GatewayFunction, type GatewayFunctionProps } from './gateway-function.ts';

/** Who may call the admin URL: principals that IAM allows, or whoever has the admin key. */
type AdminAuth = 'iam' | 'key';

export interface GatewayFunctionsProps {
  /** The tables and secrets that the functions work on. */
  readonly data: GatewayData;

  /** Path of the operator's `gateway.config.ts`, which becomes part of the functions. */
  readonly configFile: string;

  /**
   * Who may call the admin URL. With `key`, a secret with a random key is made.
   *
   * @default 'iam'
   */
  readonly adminAuth?: AdminAuth | undefined;

  /**
   * Memory of the inference function in megabytes. It waits for providers most of its time, and Lambda bills that by
   * memory: a million answers of 5 s cost $33.53 at 512 MB, $66.87 at 1,024 MB. It needs about 70 MB at first
   * and 140 MB once the young generation of V8 has grown; 16 MB of that are alive.
   *
   * @default 512
   */
  readonly inferenceMemoryMegabytes?: number | undefined;

  /**
   * Memory of the admin function in megabytes.
   *
   * @default 256
   */
  readonly adminMemoryMegabytes?: number | undefined;

  /**
   * Memory of the upkeep function in megabytes.
   *
   * @default 256
   */
  readonly upkeepMemoryMegabytes?: number | undefined;

  /**
   * Environments set aside for the inference function, which are also the most it can have: each answers one request at a
   * time. A new account may have too few to set any aside.
   *
   * @default - what the account has left
   */
  readonly inferenceReservedConcurrency?: number | undefined;

  /**
   * How long the functions' logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays | undefined;
}

/** The longest a function may run. @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const INFERENCE_TIMEOUT_SECONDS = 900;
const ADMIN_TIMEOUT_SECONDS = 30;
/** Less than the minute between two runs, so that they never overlap. */
const UPKEEP_TIMEOUT_SECONDS = 50;

/** The functions that answer callers and administrators, and the one that runs every minute. */
export class GatewayFunctions extends Construct {
  readonly inference: LambdaFunction;
  readonly admin: LambdaFunction;
  readonly upkeep: LambdaFunction;
  readonly inferenceUrl: FunctionUrl;
  readonly adminUrl: FunctionUrl;
  /** Holds the admin key; `undefined` where IAM decides. */
  readonly adminKeySecret: Secret | undefined;

  constructor(scope: Construct, id: string, props: GatewayFunctionsProps) {
    super(scope, id);
    const adminAuth = props.adminAuth ?? 'iam';
    this.adminKeySecret = adminAuth === 'key' ? this.#makeAdminKeySecret() : undefined;
    this.inference = this.#inference(props);
    this.admin = this.#admin(props);
    this.upkeep = this.#upkeep(props);
    // Sluice's own virtual keys decide, since the SDKs that callers use cannot sign requests for IAM.
    this.inferenceUrl = this.inference.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
    this.adminUrl = this.admin.addFunctionUrl({
      authType: adminAuth === 'iam' ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.BUFFERED,
    });
    this.#runEveryMinute(this.upkeep);
  }

  /** Lets a role or user call the admin URL, where IAM decides. */
  grantAdmin(grantee: IGrantable): void {
    this.adminUrl.grantInvokeUrl(grantee);
  }

  #inference(props: GatewayFunctionsProps): LambdaFunction {
    return this.#function('Inference', props, {
      handler: 'inference',
      description: 'Sluice: answers the inference URL',
      memoryMegabytes: props.inferenceMemoryMegabytes ?? 512,
      timeoutSeconds: INFERENCE_TIMEOUT_SECONDS,
      reservedConcurrency: props.inferenceReservedConcurrency,
    });
  }

  #admin(props: GatewayFunctionsProps): LambdaFunction {
    const secretArn = this.adminKeySecret?.secretArn;
    return this.#function('Admin', props, {
      handler: 'admin',
      description: 'Sluice: answers the admin URL',
      memoryMegabytes: props.adminMemoryMegabytes ?? 256,
      timeoutSeconds: ADMIN_TIMEOUT_SECONDS,
      ...(secretArn !== undefined && {
        environment: { SLUICE_ADMIN_KEY_SECRET: secretArn },
        statements: [
          new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] }),
        ],
      }),
    });
  }

  #upkeep(props: GatewayFunctionsProps): LambdaFunction {
    return this.#function('Upkeep', props, {
      handler: 'upkeep',
      description: 'Sluice: sweeps reservations, probes deployments, sends budget notices',
      memoryMegabytes: props.upkeepMemoryMegabytes ?? 256,
      timeoutSeconds: UPKEEP_TIMEOUT_SECONDS,
    });
  }

  #function(
    id: string,
    { data, configFile, logRetention }: GatewayFunctionsProps,
    own: Omit<GatewayFunctionProps, 'data' | 'configFile' | 'logRetention'>,
  ): LambdaFunction {
    return new GatewayFunction(this, id, { data, configFile, logRetention, ...own }).function;
  }

  /**
   * It goes with the functions: whoever is allowed to reads the next one. AWS's own key encrypts it, unlike what is
   * in `GatewayData`, since it opens nothing that its reader could not open without.
   */
  #makeAdminKeySecret(): Secret {
    const secret = new Secret(this, 'AdminKey', {
      description: 'The key of the admin URL of Sluice: Authorization: Bearer <this>',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Programs that hold the admin key must learn of a new one at the same moment, so a person rotates it: docs/operations.md.',
    });
    return secret;
  }

  /**
   * A run that fails is not tried again: the next one comes in a minute, and does all that is left. The scheduler
   * invokes asynchronously, so both it and Lambda have to be told.
   * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
   */
  #runEveryMinute(target: LambdaFunction): void {
    const maximumAge = Duration.seconds(60);
    target.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: maximumAge });
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }),
    );
    new CfnSchedule(this, 'UpkeepSchedule', {
      description: 'Runs the upkeep of Sluice every minute',
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: maximumAge.toSeconds() },
      },
    });
  }
}
