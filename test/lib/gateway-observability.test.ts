import { describe, expect, test } from '@jest/globals';
import { METRIC_NAMESPACE, METRICS } from '../../lambda/schema/metrics.ts';
import { resourcesOf, synthesize } from './synth.ts';

const { observability } = synthesize({ alarmEmail: 'operator@example.com' });

interface Widget {
  readonly type: string;
  readonly properties: { readonly title: string; readonly metrics?: readonly unknown[][] };
}

/** The dashboard as CloudWatch gets it, references as `ref`. */
function dashboard(): readonly Widget[] {
  const [resource] = Object.values(resourcesOf(observability, 'AWS::CloudWatch::Dashboard'));
  const body = resource?.Properties['DashboardBody'] as { 'Fn::Join': [string, unknown[]] };
  const [separator, parts] = body['Fn::Join'];
  return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'ref')).join(separator)).widgets;
}

/** A dimension set as text, whatever its order. */
const setName = (dimensions: readonly string[]): string => dimensions.toSorted().join(',');

/** Each of Sluice's own metrics with each dimension set it is published with. */
const PUBLISHED = new Set(
  Object.entries(METRICS).flatMap(([name, { dimensionSets }]) =>
    dimensionSets.map((dimensions) => `${name}{${setName(dimensions)}}`),
  ),
);

/** The metrics that a graph's line draws on. */
function metricsOf(line: readonly unknown[]): readonly string[] {
  const [first, name] = line;
  if (first === METRIC_NAMESPACE) return [`${name}{}`];
  const { expression } = first as { expression: string };
  const search = /^SEARCH\('\{Sluice,([^}]*)\} MetricName="(\w+)"'/.exec(expression);
  return search === null ? [] : [`${search[2]}{${setName((search[1] ?? '').split(','))}}`];
}

describe('the dashboard', () => {
  const widgets = dashboard();
  const drawn = widgets.flatMap(({ properties }) => properties.metrics ?? []).flatMap(metricsOf);

  test('shows requests, errors, latency and spend', () => {
    for (const metric of [
      'Requests{outcome}',
      'Errors{}',
      'TimeToFirstToken{}',
      'UpstreamLatency{}',
      'CostUsd{}',
    ])
      expect(drawn).toContain(metric);
  });

  test('draws only metrics that are published, with the dimensions they are published with', () => {
    expect(drawn.filter((metric) => !PUBLISHED.has(metric))).toEqual([]);
  });

  test('shows budgets in a widget of its own', () => {
    expect(widgets.find(({ type }) => type === 'custom')).toMatchObject({
      properties: { title: 'Budgets', endpoint: 'ref' },
    });
  });
});

describe('the alarms', () => {
  const alarms = Object.entries(resourcesOf(observability, 'AWS::CloudWatch::Alarm'));

  test('are these', () => {
    expect(alarms.map(([id]) => id.replace(/^Observability(.*)[0-9A-F]{8}$/, '$1'))).toEqual([
      'ErrorRate',
      'BoundExceeded',
      'OpenReservationsGrowing',
      'UpkeepFailing',
      'UpkeepSilent',
      'InferenceFailing',
    ]);
  });

  test('watch only metrics that are published', () => {
    const watched = [
      ...JSON.stringify(alarms).matchAll(/"MetricName":"(\w+)","Namespace":"Sluice"(,"Dimensions")?/g),
    ];
    expect(watched.length).toBeGreaterThan(3);
    expect(watched.filter(([, name]) => !PUBLISHED.has(`${name}{}`))).toEqual([]);
  });

  test.each(alarms)('%s says what happened, and tells the topic', (_id, { Properties }) => {
    const [topicId] = Object.keys(resourcesOf(observability, 'AWS::SNS::Topic'));
    expect(Properties['AlarmActions']).toEqual([{ Ref: topicId }]);
    expect(Properties['AlarmDescription']).toEqual(expect.stringMatching(/\.$/));
  });

  test('treat silence of upkeep as a failure, and silence of callers as peace', () => {
    const missing = Object.fromEntries(
      alarms.map(([id, { Properties }]) => [
        id.replace(/^Observability(.*)[0-9A-F]{8}$/, '$1'),
        Properties['TreatMissingData'],
      ]),
    );
    expect(missing).toMatchObject({ UpkeepSilent: 'breaching', ErrorRate: 'notBreaching' });
  });
});

describe('the topic', () => {
  test('lets alarms and budget notices in, over TLS', () => {
    const [policy] = Object.values(resourcesOf(observability, 'AWS::SNS::TopicPolicy'));
    expect(policy?.Properties['PolicyDocument']).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Deny',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
        expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' } }),
      ]),
    });
  });

  test('hears of budgets that crossed a threshold', () => {
    const [topicId] = Object.keys(resourcesOf(observability, 'AWS::SNS::Topic'));
    observability.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['sluice'], 'detail-type': ['BudgetThresholdCrossed'] },
      Targets: [{ Arn: { Ref: topicId } }],
    });
  });

  test('mails whom the operator names, and nobody by default', () => {
    observability.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'operator@example.com',
    });
    synthesize().observability.resourceCountIs('AWS::SNS::Subscription', 0);
  });
});
