import gatewayConfig from '#gateway-config';
import { powertoolsTelemetry } from '../adapters/powertools/telemetry.ts';
import { inferenceApplication } from '../http/application.ts';
import { functionUrlHandler } from '../platform/function-url.ts';
import { composeGateway, declaredProviders } from './composition.ts';
import { deployedCredentials } from './deployed-credentials.ts';
import { deployedStore } from './deployed-store.ts';

const telemetry = powertoolsTelemetry({ serviceName: 'inference' });

// The runtime ends an environment at any rejection nobody waits for, and with it whatever else it was doing.
process.on('unhandledRejection', (error) => telemetry.problem('A rejection was left unhandled.', error));

const gateway = composeGateway({
  config: gatewayConfig,
  store: deployedStore(process.env),
  providers: declaredProviders(gatewayConfig, process.env),
  credentials: deployedCredentials(process.env),
  telemetry,
});

/** The inference URL: every `/v1` route. */
export const handler = functionUrlHandler(inferenceApplication(gateway), {
  problem: (message, error) => telemetry.problem(message, error),
});
