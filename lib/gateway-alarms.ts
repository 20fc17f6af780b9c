import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { errorShare } from './gateway-dashboard.ts';
import { gatewayMetric } from './gateway-metric.ts';

/** What an operator is woken for. Each has its section in docs/operations.md, under the same name. */
export function gatewayAlarms(
  scope: Construct,
  { inference, upkeep }: { readonly inference: IFunction; readonly upkeep: IFunction },
): readonly Alarm[] {
  const alarm = (id: string, props: AlarmProps): Alarm =>
    new Alarm(scope, id, { treatMissingData: TreatMissingData.NOT_BREACHING, ...props });
  return [
    alarm('ErrorRate', {
      alarmDescription: 'More than 5 of 100 requests failed, for 10 of 15 minutes.',
      metric: errorShare(),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: 5,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
    }),
    alarm('BoundExceeded', {
      alarmDescription: 'An answer cost more than was reserved for it: a hard budget may be overspent.',
      metric: gatewayMetric('BoundExceeded', 'Sum'),
      threshold: 1,
      evaluationPeriods: 1,
    }),
    alarm('OpenReservationsGrowing', {
      alarmDescription: 'Open reservations have grown for 30 minutes: they are not being closed.',
      metric: openReservationGrowth(),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: 0,
      evaluationPeriods: 6,
    }),
    alarm('UpkeepFailing', {
      alarmDescription: 'Upkeep failed or was throttled in 3 of 5 minutes.',
      metric: failuresAndThrottles(upkeep, Duration.minutes(1)),
      threshold: 1,
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
    }),
    alarm('UpkeepSilent', {
      alarmDescription: 'Upkeep has not run for 10 minutes: expired reservations keep their money.',
      metric: upkeep.metricInvocations({ period: Duration.minutes(5), statistic: Stats.SUM }),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: 2,
      treatMissingData: TreatMissingData.BREACHING,
    }),
    alarm('InferenceFailing', {
      alarmDescription: 'The inference function itself failed or was throttled, in 2 of 3 five minutes.',
      metric: failuresAndThrottles(inference, Duration.minutes(5)),
      threshold: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
    }),
  ];
}

/** Traffic alone makes a few; only more than a hundred that keep growing are a sign. */
const openReservationGrowth = (): MathExpression =>
  new MathExpression({
    label: 'Growth of open reservations',
    expression: 'IF(open > 100, DIFF(open), 0)',
    period: Duration.minutes(5),
    usingMetrics: { open: gatewayMetric('OpenReservations', 'Minimum') },
  });

const failuresAndThrottles = (target: IFunction, period: Duration): MathExpression =>
  new MathExpression({
    label: 'Failures and throttles',
    expression: 'FILL(failures, 0) + FILL(throttles, 0)',
    period,
    usingMetrics: {
      failures: target.metricErrors({ period }),
      throttles: target.metricThrottles({ period }),
    },
  });
