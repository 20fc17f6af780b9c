import { powertoolsTelemetry } from '../../../lambda/adapters/powertools/telemetry.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { deploymentId } from '../../../lambda/domain/ids.ts';
import { FACTS, FAILED_OVER, REFUSED } from '../telemetry-fixtures.ts';

// Run as a process of its own by the test beside it, since Powertools writes to the process's stdout.
const telemetry = powertoolsTelemetry({ serviceName: 'sluice-test' });
const scenarios: Readonly<Record<string, () => void>> = {
  request: () => telemetry.request(FACTS, FAILED_OVER),
  refused: () => telemetry.request(FACTS, REFUSED),
  measure: () => {
    telemetry.measure({ name: 'OpenReservations', value: 3 });
    telemetry.measure({
      name: 'DeploymentHealth',
      value: 0.5,
      dimensions: { provider: 'sim', model: 'ünï' },
    });
  },
  unknown: () => telemetry.measure({ name: 'Nonsense', value: 1 }),
  rejected: () =>
    telemetry.rejected({
      requestId: 'gen-2',
      method: 'POST',
      path: '/v1/x',
      code: 'authentication_failed',
      status: 401,
    }),
  problem: () => {
    const cause = Object.assign(new Error('cause with PROMPT TEXT'), { body: 'PROMPT TEXT' });
    const error = new GatewayError('internal', 'The gateway failed.', {
      cause,
      metadata: { hint: 'PROMPT TEXT' },
    });
    telemetry.problem('Something failed.', error, { requestId: 'gen-3' });
  },
  parser: () => {
    try {
      JSON.parse('PROMPT TEXT');
    } catch (error) {
      telemetry.problem('A body is no JSON.', error);
    }
  },
  many: () => {
    for (let model = 0; model < 205; model += 1) {
      const deployment = deploymentId(`sim/model-${model}`);
      telemetry.request(FACTS, { ...FAILED_OVER, attempts: [{ deployment, outcome: 'ok', durationMs: 1 }] });
    }
  },
};
scenarios[process.argv[2] ?? '']?.();
await telemetry.flush();
