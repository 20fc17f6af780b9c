import { type ModelNames, planRoute, type RoutePlan } from '../domain/routing/plan.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import type { DecodedRequest } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/** Which deployments to try, in order. @throws as `planRoute` */
export async function plan(
  gateway: Pick<Gateway, 'config' | 'providers' | 'prices' | 'health' | 'clock'>,
  key: VirtualKey,
  request: DecodedRequest,
): Promise<RoutePlan> {
  return planRoute({
    models: request.models,
    names: modelNames(gateway),
    permissions: key,
    preferences: request.options.preferences,
    health: await gateway.health.current(),
    nowMs: gateway.clock.now(),
    random: () => gateway.clock.random(),
  });
}

/** What model names mean here. */
export const modelNames = (gateway: Pick<Gateway, 'config' | 'providers' | 'prices'>): ModelNames => ({
  groups: gateway.config.modelGroups,
  providers: new Set(gateway.providers.keys()),
  modelsOf: (provider) => gateway.prices.models(provider),
});
