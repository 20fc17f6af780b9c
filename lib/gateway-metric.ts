import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { METRIC_NAMESPACE, type MetricName } from '../lambda/schema/metrics.ts';

/** A metric of Sluice over all providers and models, in steps of five minutes. */
export const gatewayMetric = (metricName: MetricName, statistic: string): Metric =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    statistic,
    label: `${metricName} ${statistic}`,
    period: Duration.minutes(5),
  });
