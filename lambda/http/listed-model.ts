import { OPERATION_OF } from '../dialects/dialect.ts';
import { providerId } from '../domain/ids.ts';
import type { Price } from '../domain/money/price.ts';
import { type Deployment, type ModelGroup, undeclaredDeployment } from '../domain/routing/deployment.ts';
import { permittedDeployments } from '../domain/routing/plan.ts';
import type { Caller } from '../pipeline/exchange.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import { OPERATION_OF_MODE } from '../pipeline/price-for.ts';
import { ruledScopes } from '../pipeline/scopes.ts';

/** A model as it is listed: a group, or one provider's model under its full name. */
export interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
  /** Of the first deployment, for a group. */
  readonly price: Price | undefined;
  readonly deployments: readonly string[];
  /** The same model at other providers that are enabled here. */
  readonly equivalents: readonly string[];
}

/** What this key may call: the groups, then every model with a price that its provider serves in a format of this gateway. */
export async function callableModels(gateway: Gateway, caller: Caller): Promise<readonly ListedModel[]> {
  const groups = [...gateway.config.modelGroups, ...pricedModels(gateway)];
  const found = await Promise.all(groups.map((group) => listed(gateway, caller, group)));
  return found.filter((model) => model !== undefined);
}

function pricedModels({ providers, prices, dialects, clock }: Gateway): ModelGroup[] {
  const nowMs = clock.now();
  return [...providers.values()].flatMap(({ name, provider }) =>
    prices
      .models(name)
      .map((model) => undeclaredDeployment(providerId(name), model))
      .filter((deployment) => {
        const mode = prices.find(deployment, nowMs)?.mode;
        return provider.apis.some(
          ({ dialect, models }) =>
            mode !== undefined &&
            OPERATION_OF[dialect] === OPERATION_OF_MODE[mode] &&
            dialects.has(dialect) &&
            (models?.test(deployment.model) ?? true),
        );
      })
      .map(({ id }) => groupOfOne(id)),
  );
}

/** The deployments of a group that are enabled here and that a key may call. */
function callableDeployments(gateway: Gateway, caller: Caller, group: ModelGroup): readonly Deployment[] {
  const permissions = ruledScopes(caller, []).map(({ rules }) => rules);
  return permittedDeployments(group, permissions).filter(
    ({ provider }) =>
      gateway.providers.has(provider) &&
      permissions.every(({ providers }) => providers.length === 0 || providers.includes(provider)),
  );
}

/** What is known of a group, as far as a key may call it; `undefined` where it may call none of it. */
export async function listed(
  gateway: Gateway,
  caller: Caller,
  group: ModelGroup,
): Promise<ListedModel | undefined> {
  const deployments = callableDeployments(gateway, caller, group);
  const [first] = deployments;
  if (first === undefined) return undefined;
  return {
    id: group.name,
    ownedBy: first.provider,
    price: gateway.prices.find(first, gateway.clock.now()),
    deployments: deployments.map(({ id }) => id),
    equivalents: await equivalents(gateway, caller, deployments),
  };
}

/** The same models as a group's, where the key may call them, that are not in the group already. */
async function equivalents(
  gateway: Gateway,
  caller: Caller,
  deployments: readonly Deployment[],
): Promise<readonly string[]> {
  const found = await Promise.all(deployments.map((one) => gateway.equivalentsOf(one)));
  const own = new Set<string>(deployments.map(({ id }) => id));
  return [...new Set(found.flat())].filter(
    (name) => !own.has(name) && callableDeployments(gateway, caller, groupOfOne(name)).length > 0,
  );
}

/** One provider's model under its full name. */
function groupOfOne(name: string): ModelGroup {
  const slash = name.indexOf('/');
  const deployment = undeclaredDeployment(providerId(name.slice(0, slash)), name.slice(slash + 1));
  return { name, strategy: 'ordered', deployments: [deployment] };
}
