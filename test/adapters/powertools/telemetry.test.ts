import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { METRICS, type MetricName } from '../../../lambda/schema/metrics.ts';

type Line = Readonly<Record<string, unknown>>;

interface EmfLine extends Line {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: MetricName; readonly Unit: string }[];
    }[];
  };
}

const PROGRAM = fileURLToPath(new URL('./telemetry-program.ts', import.meta.url));

async function run(
  scenario: string,
): Promise<{ readonly text: string; readonly logs: readonly Line[]; readonly metrics: readonly EmfLine[] }> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, scenario], {
    env: { POWERTOOLS_DEV: 'false' },
    maxBuffer: 64 * 1024 * 1024,
  });
  const text = stdout + stderr;
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line));
  // Lines with `_aws` are in the embedded metric format.
  return {
    text,
    logs: lines.filter((line) => !('_aws' in line)),
    metrics: lines.filter((line) => '_aws' in line) as EmfLine[],
  };
}

/** The values of the blob with exactly these dimensions. */
function valuesAt(
  metrics: readonly EmfLine[],
  dimensions: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const names = Object.keys(dimensions);
  const blob = metrics.find((line) => {
    const set = line._aws.CloudWatchMetrics[0]?.Dimensions[0] ?? [];
    return (
      set.length === names.length &&
      names.every((name) => set.includes(name) && line[name] === dimensions[name])
    );
  });
  const metricNames = blob?._aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name) ?? [];
  return Object.fromEntries(metricNames.map((name) => [name, blob?.[name]]));
}

describe('the metrics of a request', () => {
  test('are those of the schema, with its units and exactly its dimension sets', async () => {
    for (const scenario of ['request', 'refused', 'measure']) {
      const { metrics } = await run(scenario);
      expect(metrics.length).toBeGreaterThan(1);
      for (const line of metrics) {
        const [directive, ...others] = line._aws.CloudWatchMetrics;
        expect(others).toEqual([]);
        expect(directive?.Namespace).toBe('Sluice');
        expect(directive?.Dimensions).toHaveLength(1);
        for (const { Name, Unit } of directive?.Metrics ?? []) {
          expect(Unit).toBe(METRICS[Name].unit);
          const allowed = METRICS[Name].dimensionSets.map((set) => [...set].toSorted());
          expect(allowed).toContainEqual([...(directive?.Dimensions[0] ?? [])].toSorted());
          expect(typeof line[Name]).toBe('number');
        }
      }
    }
  });

  test('count the request once for the gateway, and each call at its provider', async () => {
    const { metrics } = await run('request');
    expect(valuesAt(metrics, {})).toEqual({
      Requests: 1,
      Errors: 0,
      TimeToFirstToken: 100,
      TokensPerSecond: 50,
      UpstreamLatency: 1_100,
      GatewayOverhead: 5,
      Failovers: 1,
      FailoverFailures: 0,
      CostUsd: 0.000123,
      PromptTokens: 12,
      CompletionTokens: 51,
      BudgetRejections: 0,
      RateLimitRejections: 0,
      BoundExceeded: 0,
    });
    expect(valuesAt(metrics, { provider: 'sim', model: 'frontier' })).toEqual({
      Requests: 1,
      Errors: 1,
      UpstreamLatency: 20,
    });
    expect(valuesAt(metrics, { provider: 'sim-anthropic', model: 'frontier' })).toEqual({
      Requests: 1,
      Errors: 0,
      UpstreamLatency: 1_100,
      TimeToFirstToken: 100,
      TokensPerSecond: 50,
    });
    expect(valuesAt(metrics, { outcome: 'ok' })).toEqual({ Requests: 1 });
    expect(valuesAt(metrics, { operation: 'chat' })).toEqual({ GatewayOverhead: 5 });
    expect(metrics.every((line) => line['requestId'] === 'gen-1')).toBe(true);
  });

  test('count a refusal for want of budget as such, not as an error', async () => {
    const { metrics } = await run('refused');
    expect(valuesAt(metrics, {})).toMatchObject({ Requests: 1, Errors: 0, BudgetRejections: 1, CostUsd: 0 });
    expect(valuesAt(metrics, { outcome: 'budget_exceeded' })).toEqual({ Requests: 1 });
  });

  test('name at most 200 different models, and the rest together', async () => {
    const { metrics } = await run('many');
    const models = new Set(metrics.flatMap((line) => ('model' in line ? [line['model']] : [])));
    expect(models.size).toBe(201);
    expect(models).toContain('other');
    expect(models).not.toContain('model-204');
  });
});

describe('a gauge', () => {
  test('is published with its dimensions, in characters CloudWatch takes', async () => {
    const { metrics } = await run('measure');
    expect(valuesAt(metrics, {})).toEqual({ OpenReservations: 3 });
    expect(valuesAt(metrics, { provider: 'sim', model: '?n?' })).toEqual({ DeploymentHealth: 0.5 });
  });

  test('outside the schema is a bug', async () => {
    await expect(run('unknown')).rejects.toThrow(/Nonsense is not in the schema/);
  });
});

describe('the log', () => {
  test('has one line for a request: OpenTelemetry’s names, and the rest of the record', async () => {
    const { logs } = await run('request');
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({
      level: 'INFO',
      message: 'request',
      service: 'sluice-test',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'sim-anthropic',
      'gen_ai.request.model': 'demo',
      'gen_ai.response.model': 'frontier',
      'gen_ai.response.id': 'msg_1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.conversation.id': 'session-9',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 51,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'sluice.request_id': 'gen-1',
      'sluice.key_id': 'key_1',
      'sluice.team': 'search',
      'sluice.end_user': 'user-7',
      'sluice.tags': { feature: 'summary' },
      'sluice.models_asked': ['demo', 'sim/small'],
      'sluice.outcome': 'ok',
      'sluice.cost_nano_usd': '123000',
      'sluice.charge_basis': 'exact',
      'sluice.duration_ms': 1_125,
    });
    expect(logs[0]).not.toHaveProperty('error.type');
    expect(logs[0]?.['sluice.attempts']).toHaveLength(2);
  });

  test('has the error’s code for a request that failed, and a line for one that was turned away', async () => {
    expect((await run('refused')).logs[0]).toMatchObject({ 'error.type': 'budget_exceeded' });
    expect((await run('rejected')).logs).toEqual([
      expect.objectContaining({
        message: 'rejected',
        'sluice.request_id': 'gen-2',
        'error.type': 'authentication_failed',
        'http.response.status_code': 401,
        'url.path': '/v1/x',
      }),
    ]);
  });

  test('shows an error by name, message and place, without its cause and what else it carries', async () => {
    const { text, logs } = await run('problem');
    expect(logs[0]).toMatchObject({ level: 'ERROR', message: 'Something failed.', requestId: 'gen-3' });
    expect(logs[0]?.['error']).toMatchObject({
      name: 'GatewayError',
      code: 'internal',
      message: 'The gateway failed.',
    });
    expect(text).toContain('telemetry-program.ts');
    expect(text).not.toContain('PROMPT TEXT');
  });

  test('does not repeat what a parser could not read', async () => {
    const { text, logs } = await run('parser');
    expect(logs[0]?.['error']).toMatchObject({ name: 'SyntaxError' });
    expect(text).not.toContain('PROMPT');
  });
});
