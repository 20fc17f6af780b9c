import { deploymentId, requestId, virtualKeyId } from '../../lambda/domain/ids.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../lambda/domain/request-record.ts';

export const FACTS: RequestFacts = {
  id: requestId('gen-1'),
  startedAtMs: Date.UTC(2026, 10, 20, 12, 34, 56),
  keyId: virtualKeyId('key_1'),
  team: 'search',
  endUser: 'user-7',
  session: 'session-9',
  tags: { feature: 'summary' },
  dialect: 'openai-chat',
  modelsAsked: ['demo', 'sim/small'],
  stream: true,
};

/** Answered at the second deployment, after the first was overloaded. */
export const FAILED_OVER: RequestOutcome = {
  outcome: 'ok',
  attempts: [
    { deployment: deploymentId('sim/frontier'), outcome: 'upstream_overloaded', status: 503, durationMs: 20 },
    { deployment: deploymentId('sim-anthropic/frontier'), outcome: 'ok', status: 200, durationMs: 1_100 },
  ],
  provider: 'sim-anthropic',
  model: 'frontier',
  deployment: deploymentId('sim-anthropic/frontier'),
  upstreamId: 'msg_1',
  finishReason: 'stop',
  usage: { promptTokens: 12, completionTokens: 51, cacheReadTokens: 4, reasoningTokens: 0 },
  cost: nanoUsd(123_000n),
  chargeBasis: 'exact',
  priceVersion: '2026-11-01',
  boundExceeded: false,
  timeToFirstTokenMs: 100,
  durationMs: 1_125,
  overheadMs: 5,
};

export const REFUSED: RequestOutcome = {
  outcome: 'budget_exceeded',
  attempts: [],
  cost: nanoUsd(0n),
  chargeBasis: 'exact',
  boundExceeded: false,
  durationMs: 3,
};
