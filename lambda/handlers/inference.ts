import gatewayConfig from '#gateway-config';
import { powertoolsTelemetry } from '../adapters/powertools/telemetry.ts';
import { storedSecret } from '../adapters/secrets/stored-secret.ts';
import { systemClock } from '../adapters/system-clock/system-clock.ts';
import { providerId } from '../domain/ids.ts';
import { inferenceApplication } from '../http/application.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import { functionUrlHandler } from '../platform/function-url.ts';
import { composeGateway, declaredProviders } from './composition.ts';
import { deployedCredentials } from './deployed-credentials.ts';
import { deployedStore } from './deployed-store.ts';
import { deployedVectorIndex } from './deployed-vectors.ts';

const telemetry = powertoolsTelemetry({ serviceName: 'inference' });

// The runtime ends an environment at any rejection nobody waits for, and with it whatever else it was doing.
process.on('unhandledRejection', (error) => telemetry.problem('A rejection was left unhandled.', error));

/** It never changes while an environment lives, unless somebody wants kept answers to be unreadable. */
const ANSWER_SECRET_KEPT_MS = 86_400_000;

const gateway = composeGateway(
  {
    config: gatewayConfig,
    store: deployedStore(process.env),
    providers: declaredProviders(gatewayConfig, process.env),
    credentials: deployedCredentials(process.env),
    telemetry,
    awsRegion: process.env['AWS_REGION'],
    vectors: deployedVectorIndex(process.env),
  },
  storedSecret(process.env['SLUICE_ANSWER_SECRET_ARN'] ?? '', systemClock, ANSWER_SECRET_KEPT_MS),
);

/** A store that is slow now shall not hold the function up: the first request asks it again, and tells. */
const LONGEST_WARM_UP_MS = 1_000;

/**
 * Does before the first request what it would have to do first: reads the routing table and one provider's secret, over
 * connections that stay open. INIT runs on a whole processor, a request on the function's share of one. Under 0.29 of a
 * processor, which is the share of 512 MB, the first byte of a first answer came after 58 ms instead of 131, and INIT took 24
 * more (medians of 15, under Lambda's own runtime client).
 * @see https://bitesizedserverless.com/bite/lambda-cold-start-bootstrap/
 */
async function warmUp({ health, providers, credentials, clock }: Gateway): Promise<void> {
  const [provider] = providers.keys();
  const reading = [
    health.current(),
    provider === undefined ? undefined : credentials.get(providerId(provider)),
  ];
  await Promise.race([Promise.allSettled(reading), clock.sleep(LONGEST_WARM_UP_MS)]);
}

await warmUp(gateway);

/** The inference URL: every `/v1` route. */
export const handler = functionUrlHandler(inferenceApplication(gateway), {
  problem: (message, error) => telemetry.problem(message, error),
});
