import type { GatewayConfig } from '../domain/gateway-config.ts';
import { type DeploymentId, providerId } from '../domain/ids.ts';
import { missingCapabilities, neededCapabilities } from '../domain/routing/capabilities.ts';
import { type Deployment, deploymentParts, undeclaredDeployment } from '../domain/routing/deployment.ts';
import { type ModelNames, planRoute, type RoutePlan } from '../domain/routing/plan.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { ruledScopes } from './scopes.ts';

/** Which deployments to try, in order. @throws as `planRoute` */
export async function plan(
  gateway: Pick<Gateway, 'config' | 'providers' | 'prices' | 'health' | 'clock'>,
  exchange: Pick<Exchange, 'caller' | 'tags' | 'request'>,
): Promise<RoutePlan> {
  const { request } = exchange;
  const nowMs = gateway.clock.now();
  const needed = neededCapabilities(request.chat);
  return planRoute({
    models: request.models,
    names: modelNames(gateway),
    permissions: ruledScopes(exchange.caller, exchange.tags).map(({ rules }) => rules),
    preferences: request.options.preferences,
    lacks: (deployment) =>
      missingCapabilities(needed, gateway.prices.find(deployment, nowMs)?.capabilities ?? []),
    health: await gateway.health.current(),
    nowMs,
    random: () => gateway.clock.random(),
  });
}

/** The deployment an id names: as it is declared, or else as its name says. */
export function deploymentNamed({ modelGroups }: GatewayConfig, id: DeploymentId): Deployment {
  const declared = modelGroups.flatMap(({ deployments }) => deployments).find((one) => one.id === id);
  const { provider, model } = deploymentParts(id);
  return declared ?? undeclaredDeployment(providerId(provider), model);
}

/** What model names mean here. */
export const modelNames = (gateway: Pick<Gateway, 'config' | 'providers' | 'prices'>): ModelNames => ({
  groups: gateway.config.modelGroups,
  providers: new Set(gateway.providers.keys()),
  modelsOf: (provider) => gateway.prices.models(provider),
});
