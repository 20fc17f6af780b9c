import {
  CustomWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  SearchExpression,
  SingleValueWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { METRIC_NAMESPACE, type MetricName } from '../lambda/schema/metrics.ts';
import { gatewayMetric } from './gateway-metric.ts';

const WIDTH = 24;
const HALF = WIDTH / 2;

/** One page: is it up, is it fast, what does it cost, and how full is each budget. */
export function gatewayDashboard(scope: Construct, budgetWidget: IFunction): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.hours(3),
    widgets: [
      [overview()],
      [budgets(budgetWidget)],
      [
        graph('Requests by outcome', [search('Requests', ['outcome'], 'Sum')]),
        graph('Errors', [errorShare(), search('Errors', ['provider', 'model'], 'Sum')]),
      ],
      [latency('Time to first token', 'TimeToFirstToken'), latency('Upstream latency', 'UpstreamLatency')],
      [
        graph('Spend, in dollars', [gatewayMetric('CostUsd', 'Sum')]),
        graph('Tokens', [gatewayMetric('PromptTokens', 'Sum'), gatewayMetric('CompletionTokens', 'Sum')]),
      ],
      [
        graph('Health of deployments', [search('DeploymentHealth', ['provider', 'model'], 'Average')]),
        graph('Failovers', [gatewayMetric('Failovers', 'Sum'), gatewayMetric('FailoverFailures', 'Sum')]),
      ],
      [
        graph('Reservations', [
          gatewayMetric('OpenReservations', 'Maximum'),
          gatewayMetric('BudgetRejections', 'Sum'),
          gatewayMetric('BoundExceeded', 'Sum'),
        ]),
        graph('What Sluice itself takes', [
          gatewayMetric('GatewayOverhead', 'p50'),
          gatewayMetric('GatewayOverhead', 'p99'),
          gatewayMetric('SettlementLag', 'p99'),
        ]),
      ],
    ],
  });
}

const overview = (): IWidget =>
  new SingleValueWidget({
    title: 'Now',
    width: WIDTH,
    height: 4,
    sparkline: true,
    metrics: [
      gatewayMetric('Requests', 'Sum'),
      gatewayMetric('Errors', 'Sum'),
      gatewayMetric('TimeToFirstToken', 'p50'),
      gatewayMetric('TimeToFirstToken', 'p99'),
      gatewayMetric('CostUsd', 'Sum'),
    ],
  });

const budgets = (budgetWidget: IFunction): IWidget =>
  new CustomWidget({ title: 'Budgets', width: WIDTH, height: 10, functionArn: budgetWidget.functionArn });

const graph = (title: string, left: IMetric[]): IWidget =>
  new GraphWidget({ title, width: HALF, height: 6, left });

const latency = (title: string, metric: MetricName): IWidget =>
  graph(title, [
    gatewayMetric(metric, 'p50'),
    gatewayMetric(metric, 'p99'),
    search(metric, ['provider', 'model'], 'p90'),
  ]);

/** Failed requests of a hundred, which is what the alarm watches. */
export const errorShare = (): MathExpression =>
  new MathExpression({
    label: 'Errors per hundred requests',
    expression: `IF(requests >= ${LEAST_REQUESTS}, 100 * FILL(errors, 0) / requests, 0)`,
    period: Duration.minutes(5),
    usingMetrics: { requests: gatewayMetric('Requests', 'Sum'), errors: gatewayMetric('Errors', 'Sum') },
  });

/** With fewer requests in five minutes a share says nothing. */
const LEAST_REQUESTS = 20;

/** One line for each value of the dimensions that the metric was published with. */
const search = (metric: MetricName, dimensions: readonly string[], statistic: string): IMetric =>
  new SearchExpression({
    expression: `SEARCH('{${[METRIC_NAMESPACE, ...dimensions].join(',')}} MetricName="${metric}"', '${statistic}', 300)`,
    label: '',
    period: Duration.minutes(5),
  });
