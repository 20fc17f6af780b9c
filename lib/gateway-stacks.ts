import { type App, CrossStackReferences, ReferenceStrength, Stack } from 'aws-cdk-lib/core';
import { GatewayData } from './gateway-data.ts';
import { GatewayFunctions } from './gateway-functions.ts';
import { GatewayObservability } from './gateway-observability.ts';
import { outputSecrets, outputUrls } from './gateway-outputs.ts';
import type { LlmGatewayProps } from './llm-gateway.ts';
import { dataNeeds, loadOperatorConfig } from './operator-config.ts';

/** The three stacks, in the order they are deployed. */
export interface GatewayStacks {
  readonly data: Stack;
  readonly gateway: Stack;
  readonly observability: Stack;
}

/**
 * What `LlmGateway` puts in one stack, in three: what must be kept, what answers, what watches. The last two can be
 * deleted and deployed again at any time.
 * @throws Error that names the fault, where the configuration file is missing or wrong
 */
export function gatewayStacks(app: App, props: LlmGatewayProps): GatewayStacks {
  const needs = dataNeeds(loadOperatorConfig(props.configFile));
  const data = new Stack(app, 'Sluice-Data', {
    description: 'Sluice: tables and secrets. Kept when everything else goes.',
    terminationProtection: true,
  });
  const gateway = new Stack(app, 'Sluice-Gateway', { description: 'Sluice: functions, URLs, schedule' });
  const observability = new Stack(app, 'Sluice-Observability', {
    description: 'Sluice: dashboard, alarms, notices',
  });
  for (const stack of [gateway, observability]) readWeakly(stack);

  const gatewayData = new GatewayData(data, 'Data', { ...props, ...needs });
  const functions = new GatewayFunctions(gateway, 'Functions', { ...props, data: gatewayData });
  new GatewayObservability(observability, 'Observability', { ...props, data: gatewayData, functions });
  outputSecrets(data, gatewayData);
  outputUrls(gateway, functions);
  return { data, gateway, observability };
}

/**
 * With exports, a provider's secret could not leave the data stack while the functions still import it, and the data
 * stack is deployed first. `Fn::GetStackOutput` locks nothing; that the data stack stays is what its termination
 * protection is for.
 */
function readWeakly(stack: Stack): void {
  CrossStackReferences.of(stack).consume(ReferenceStrength.WEAK);
}
