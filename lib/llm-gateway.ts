import { Construct } from 'constructs';
import { GatewayData, type GatewayDataProps } from './gateway-data.ts';
import { GatewayFunctions, type GatewayFunctionsProps } from './gateway-functions.ts';
import { GatewayObservability, type GatewayObservabilityProps } from './gateway-observability.ts';
import { outputSecrets, outputUrls } from './gateway-outputs.ts';
import { dataNeeds, loadOperatorConfig } from './operator-config.ts';

/** How a gateway is set up; only the operator's file has no default. */
export interface LlmGatewayProps
  extends Omit<GatewayDataProps, 'providers' | 'vectorDimensions'>,
    Omit<GatewayFunctionsProps, 'data'>,
    Omit<GatewayObservabilityProps, 'data' | 'functions'> {}

/**
 * A whole gateway in one stack of yours:
 *
 *     new LlmGateway(this, 'Gateway', { configFile: 'gateway.config.ts' });
 *
 * The ids of its parts are a promise: to change one would replace tables that refuse to be deleted. Give that stack
 * `terminationProtection`.
 */
export class LlmGateway extends Construct {
  readonly data: GatewayData;
  readonly functions: GatewayFunctions;
  readonly observability: GatewayObservability;

  /** @throws Error that names the fault, where the configuration file is missing or wrong */
  constructor(scope: Construct, id: string, props: LlmGatewayProps) {
    super(scope, id);
    const needs = dataNeeds(loadOperatorConfig(props.configFile));
    this.data = new GatewayData(this, 'Data', { ...props, ...needs });
    this.functions = new GatewayFunctions(this, 'Functions', { ...props, data: this.data });
    this.observability = new GatewayObservability(this, 'Observability', {
      ...props,
      data: this.data,
      functions: this.functions,
    });
    outputSecrets(this, this.data);
    outputUrls(this, this.functions);
  }
}
