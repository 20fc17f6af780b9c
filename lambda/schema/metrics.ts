/** CloudWatch namespace. */
export const METRIC_NAMESPACE = 'Sluice';

/** Every metric and the exact dimension sets it is published with. Ids are never dimensions: each value would be billed. */
export const METRICS = {
  Requests: { unit: 'Count', dimensionSets: [[], ['provider', 'model'], ['outcome']] },
  Errors: { unit: 'Count', dimensionSets: [[], ['provider', 'model']] },
  TimeToFirstToken: { unit: 'Milliseconds', dimensionSets: [[], ['provider', 'model']] },
  TokensPerSecond: { unit: 'Count/Second', dimensionSets: [[], ['provider', 'model']] },
  UpstreamLatency: { unit: 'Milliseconds', dimensionSets: [[], ['provider', 'model']] },
  DeploymentHealth: { unit: 'None', dimensionSets: [['provider', 'model']] },
  GatewayOverhead: { unit: 'Milliseconds', dimensionSets: [[], ['operation']] },
  Failovers: { unit: 'Count', dimensionSets: [[]] },
  FailoverFailures: { unit: 'Count', dimensionSets: [[]] },
  CacheHits: { unit: 'Count', dimensionSets: [[]] },
  CostUsd: { unit: 'None', dimensionSets: [[]] },
  PromptTokens: { unit: 'Count', dimensionSets: [[]] },
  CompletionTokens: { unit: 'Count', dimensionSets: [[]] },
  BudgetRejections: { unit: 'Count', dimensionSets: [[]] },
  RateLimitRejections: { unit: 'Count', dimensionSets: [[]] },
  RateLimitsUnenforced: { unit: 'Count', dimensionSets: [[]] },
  SettlementLag: { unit: 'Milliseconds', dimensionSets: [[]] },
  OpenReservations: { unit: 'Count', dimensionSets: [[]] },
  BoundExceeded: { unit: 'Count', dimensionSets: [[]] },
} as const;

export type MetricName = keyof typeof METRICS;

/** Source and detail type of the EventBridge event sent when a budget crosses a soft limit. */
export const BUDGET_EVENT = { source: 'sluice', detailType: 'BudgetThresholdCrossed' } as const;
