import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { BUDGET_EVENT } from '../lambda/schema/metrics.ts';
import { gatewayAlarms } from './gateway-alarms.ts';
import { gatewayDashboard } from './gateway-dashboard.ts';
import type { GatewayData } from './gateway-data.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayFunctions } from './gateway-functions.ts';

export interface GatewayObservabilityProps {
  /** The tables that the budget widget reads. */
  readonly data: GatewayData;

  /** The functions that are watched. */
  readonly functions: GatewayFunctions;

  /** Path of the operator's `gateway.config.ts`. */
  readonly configFile: string;

  /**
   * Who is told of alarms and crossed budget thresholds; AWS asks that address to confirm first.
   *
   * @default - nobody: subscribe to `topic`
   */
  readonly alarmEmail?: string | undefined;

  /**
   * How long the widget's logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays | undefined;
}

/** What a person looks at, and what calls that person: the dashboard, the alarms, the topic. Nothing depends on it. */
export class GatewayObservability extends Construct {
  /** Gets alarms and the notices of soft limits. */
  readonly topic: Topic;
  readonly dashboard: Dashboard;
  readonly alarms: readonly Alarm[];
  readonly budgetWidget: IFunction;

  constructor(scope: Construct, id: string, props: GatewayObservabilityProps) {
    super(scope, id);
    const { data, functions, configFile, logRetention } = props;
    this.topic = new Topic(this, 'Topic', { displayName: 'Sluice', enforceSSL: true });
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail));
    this.budgetWidget = new GatewayFunction(this, 'BudgetWidget', {
      handler: 'budget-widget',
      description: 'Sluice: draws the budgets on the dashboard',
      data,
      configFile,
      logRetention,
      memoryMegabytes: 256,
      timeoutSeconds: 15,
    }).function;
    this.dashboard = gatewayDashboard(this, this.budgetWidget);
    this.alarms = gatewayAlarms(this, functions);
    for (const alarm of this.alarms) alarm.addAlarmAction(new SnsAction(this.topic));
    this.#letAlarmsPublish();
    this.#forwardBudgetNotices();
  }

  /**
   * A topic lets its own account publish until it has a policy: once TLS is demanded, alarms have to be named.
   * @see https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
   */
  #letAlarmsPublish(): void {
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }

  /** Upkeep puts an event on the account's default bus, where other rules may listen too; this one tells the topic. */
  #forwardBudgetNotices(): void {
    new Rule(this, 'BudgetNotices', {
      description: 'Tells of budgets of Sluice that crossed a soft limit',
      eventPattern: { source: [BUDGET_EVENT.source], detailType: [BUDGET_EVENT.detailType] },
      targets: [new SnsTopic(this.topic)],
    });
  }
}
