import { GatewayError } from '../errors.ts';
import { type ProviderId, providerId } from '../ids.ts';
import type { RoutePreferences } from '../request-options.ts';
import { type Deployment, type ModelGroup, undeclaredDeployment } from './deployment.ts';
import { HEALTH_FLOOR, type HealthTable, healthOf, isCoolingDown } from './health.ts';

/** One step of a plan, and why it stands where it stands. */
export interface PlannedDeployment {
  readonly deployment: Deployment;
  /** The asked model or group it answers for. */
  readonly group: string;
  readonly reason: string;
}

/** The deployments to try, in order. Never empty. */
export type RoutePlan = readonly [PlannedDeployment, ...PlannedDeployment[]];

/** What names mean in this gateway. */
export interface ModelNames {
  readonly groups: readonly ModelGroup[];
  readonly providers: ReadonlySet<string>;
  /** Models a provider is known to have. */
  modelsOf(provider: string): readonly string[];
}

/** What a key may call; empty lists allow all. */
export interface RoutePermissions {
  readonly models: readonly string[];
  readonly providers: readonly string[];
}

export interface RouteQuestion {
  /** Asked model first, then fallbacks; at least one. */
  readonly models: readonly string[];
  readonly names: ModelNames;
  /** A deployment must be allowed by all of them. */
  readonly permissions: readonly RoutePermissions[];
  readonly preferences: RoutePreferences;
  /** What the request needs and a deployment is known to lack, in the catalogue's words. @default nothing */
  lacks?(deployment: Deployment): readonly string[];
  readonly health: HealthTable;
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Decides which deployments are tried, and in which order.
 * @throws GatewayError `model_not_found`, `permission_denied`, or `no_eligible_deployment` naming what excluded what
 */
export function planRoute(question: RouteQuestion): RoutePlan {
  const groups = question.models.map((name) => resolveModel(name, question.names));
  const permitted = groups
    .map((group) => ({ ...group, deployments: permittedDeployments(group, question.permissions) }))
    .filter((group) => group.deployments.length > 0);
  if (permitted.length === 0)
    throw new GatewayError('permission_denied', `This key may not call ${quoted(question.models)}.`, {
      param: 'model',
    });
  const excluded: string[] = [];
  const candidates = permitted.flatMap((group) =>
    orderGroup(keepEligible(group, question, excluded), question),
  );
  const able = withLackingLast(withoutRepeats(candidates), question);
  const wished = preferred(able, question.preferences);
  const [first, ...rest] = withCoolingLast(wished, question);
  if (first === undefined)
    throw new GatewayError(
      'no_eligible_deployment',
      `No deployment of ${quoted(question.models)} is eligible: ${excluded.join('; ')}.`,
      { metadata: { excluded } },
    );
  return [first, ...rest];
}

const LONGEST_NAME = 300;
const HAS_CONTROL_CHARACTER = /\p{Cc}/u;
/** A model's name becomes a part of an address, and these would leave out the part before it. */
const IS_PATH = /^\.{1,2}$/;

/**
 * The group a name stands for: a declared group, a `provider/model`, or a bare model that exactly one enabled provider has.
 * @throws GatewayError `model_not_found`
 */
export function resolveModel(asked: string, names: ModelNames): ModelGroup {
  const name = asked.replaceAll(/%2f/gi, '/');
  if (name.length > LONGEST_NAME || HAS_CONTROL_CHARACTER.test(name) || !name.isWellFormed())
    throw modelNotFound(asked, '', [], names);
  const group = names.groups.find((candidate) => candidate.name === name);
  if (group !== undefined) return group;
  const slash = name.indexOf('/');
  const provider = name.slice(0, Math.max(0, slash));
  if (names.providers.has(provider) && slash < name.length - 1 && !IS_PATH.test(name.slice(slash + 1)))
    return undeclaredGroup(name, providerId(provider), name.slice(slash + 1));
  const owners = [...names.providers].filter((owner) => names.modelsOf(owner).includes(name));
  const [owner] = owners;
  if (owner !== undefined && owners.length === 1) return undeclaredGroup(name, providerId(owner), name);
  throw modelNotFound(asked, provider, owners, names);
}

function modelNotFound(
  asked: string,
  provider: string,
  owners: readonly string[],
  names: ModelNames,
): GatewayError {
  const shown = asked.length > 200 ? `${asked.slice(0, 200)}…` : asked;
  const hint =
    owners.length > 1
      ? `Several providers have it: ${owners.map((owner) => `${owner}/${asked}`).join(', ')}. Name one.`
      : provider !== '' && !names.providers.has(provider)
        ? `The provider "${provider.slice(0, 100)}" is not enabled here; enabled: ${[...names.providers].join(', ')}.`
        : 'GET /v1/models lists what this key may call.';
  return new GatewayError('model_not_found', `The model "${shown}" is not known here. ${hint}`, {
    param: 'model',
  });
}

const undeclaredGroup = (name: string, provider: ProviderId, model: string): ModelGroup => ({
  name,
  strategy: 'ordered',
  deployments: [undeclaredDeployment(provider, model)],
});

/** The deployments of a group whose model every list of models allows. */
export const permittedDeployments = (
  group: ModelGroup,
  permissions: readonly Pick<RoutePermissions, 'models'>[],
): readonly Deployment[] =>
  permissions.reduce(
    (left, { models }) => left.filter((deployment) => allowedBy(group, models).includes(deployment)),
    group.deployments,
  );

/** All where a list names the group, else those it names. */
function allowedBy(group: ModelGroup, allowed: readonly string[]): readonly Deployment[] {
  const isAllowed = (name: string): boolean =>
    allowed.some((pattern) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
    );
  if (allowed.length === 0 || isAllowed(group.name)) return group.deployments;
  return group.deployments.filter(({ id }) => isAllowed(id));
}

function keepEligible(group: ModelGroup, question: RouteQuestion, excluded: string[]): ModelGroup {
  const deployments = group.deployments.filter((deployment) => {
    const reason = reasonAgainst(deployment, question) ?? wishAgainst(deployment, question);
    if (reason !== undefined) excluded.push(`${deployment.id}: ${reason}`);
    return reason === undefined;
  });
  return { ...group, deployments };
}

function reasonAgainst({ provider }: Deployment, question: RouteQuestion): string | undefined {
  if (!question.names.providers.has(provider)) return 'its provider is not enabled';
  if (question.permissions.some(({ providers }) => providers.length > 0 && !providers.includes(provider)))
    return 'not allowed for this key';
  return undefined;
}

/** What the caller's own wishes have against a deployment. */
function wishAgainst(deployment: Deployment, question: RouteQuestion): string | undefined {
  const { only, ignore, requireParameters } = question.preferences;
  const { provider } = deployment;
  if (only !== undefined && !only.includes(provider)) return 'not in provider.only';
  if (ignore.includes(provider)) return 'in provider.ignore';
  const lacking = requireParameters === true ? lackingOf(question, deployment) : '';
  return lacking === '' ? undefined : `lacks ${lacking} (provider.require_parameters)`;
}

/** Healthy ones first, then those below the floor, then those cooling down: last, but never out while nothing else is left. */
function orderGroup(group: ModelGroup, question: RouteQuestion): PlannedDeployment[] {
  const { health, nowMs } = question;
  const cooling = group.deployments.filter(({ id }) => isCoolingDown(health, id, nowMs));
  const rest = group.deployments.filter((deployment) => !cooling.includes(deployment));
  const healthy = rest.filter(({ id }) => healthOf(health, id) >= HEALTH_FLOOR);
  const weak = rest.filter((deployment) => !healthy.includes(deployment));
  const plan = (deployment: Deployment, reason: string): PlannedDeployment => ({
    deployment,
    group: group.name,
    reason,
  });
  const live =
    group.strategy === 'weighted'
      ? drawByWeight(rest, question).map((one) =>
          plan(one, `drawn by weight × health (${describeHealth(one, health)})`),
        )
      : [
          ...healthy.map((one) => plan(one, 'in the declared order')),
          ...weak.map((one) => plan(one, `health below ${HEALTH_FLOOR} (${describeHealth(one, health)})`)),
        ];
  return [...live, ...cooling.map((one) => plan(one, 'cooling down after failures'))];
}

const describeHealth = ({ id }: Deployment, health: HealthTable): string => healthOf(health, id).toFixed(2);

/** Draws without putting back, so that the rest of the order is what failover would draw. */
function drawByWeight(deployments: readonly Deployment[], question: RouteQuestion): Deployment[] {
  const left = [...deployments];
  const drawn: Deployment[] = [];
  while (left.length > 0) {
    const weights = left.map(({ id, weight }) => weight * healthOf(question.health, id));
    let point = question.random() * weights.reduce((a, b) => a + b, 0);
    const found = weights.findIndex((weight) => {
      point -= weight;
      return point < 0;
    });
    drawn.push(...left.splice(found === -1 ? left.length - 1 : found, 1));
  }
  return drawn;
}

function withoutRepeats(plan: readonly PlannedDeployment[]): PlannedDeployment[] {
  const seen = new Set<string>();
  return plan.filter(({ deployment }) => !seen.has(deployment.id) && seen.add(deployment.id));
}

const lackingOf = (question: RouteQuestion, deployment: Deployment): string =>
  question.lacks?.(deployment).join(', ') ?? '';

/** Over all groups: what the catalogue says a model cannot do, it is asked for only when nothing else is left. */
function withLackingLast(
  plan: readonly PlannedDeployment[],
  question: RouteQuestion,
): readonly PlannedDeployment[] {
  const judged = plan.map((one) => ({ one, lacking: lackingOf(question, one.deployment) }));
  const able = judged.filter(({ lacking }) => lacking === '');
  const others = judged.filter(({ lacking }) => lacking !== '');
  return [
    ...able.map(({ one }) => one),
    ...others.map(({ one, lacking }) => ({ ...one, reason: `${one.reason}; lacks ${lacking}` })),
  ];
}

function preferred(
  plan: readonly PlannedDeployment[],
  preferences: RoutePreferences,
): readonly PlannedDeployment[] {
  const rank = ({ deployment }: PlannedDeployment): number => {
    const index = preferences.order.indexOf(deployment.provider);
    return index === -1 ? preferences.order.length : index;
  };
  const ordered = preferences.order.length === 0 ? plan : plan.toSorted((a, b) => rank(a) - rank(b));
  return preferences.allowFallbacks ? ordered : ordered.slice(0, 1);
}

/** Over all groups: a fallback is not kept waiting for a deployment that has just failed. */
function withCoolingLast(
  plan: readonly PlannedDeployment[],
  { health, nowMs }: RouteQuestion,
): readonly PlannedDeployment[] {
  const isCooling = ({ deployment }: PlannedDeployment): boolean =>
    isCoolingDown(health, deployment.id, nowMs);
  return [...plan.filter((one) => !isCooling(one)), ...plan.filter(isCooling)];
}

const quoted = (models: readonly string[]): string =>
  models.map((model) => `"${model.slice(0, 200)}"`).join(', ');
