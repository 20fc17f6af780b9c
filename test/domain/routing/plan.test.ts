import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { type DeploymentId, deploymentId, providerId } from '../../../lambda/domain/ids.ts';
import type { RoutePreferences } from '../../../lambda/domain/request-options.ts';
import type { Deployment, ModelGroup } from '../../../lambda/domain/routing/deployment.ts';
import {
  type DeploymentHealth,
  HEALTH_FLOOR,
  type HealthTable,
} from '../../../lambda/domain/routing/health.ts';
import {
  type ModelNames,
  planRoute,
  type RouteQuestion,
  resolveModel,
} from '../../../lambda/domain/routing/plan.ts';
import { seededRandom } from '../../support/faulty-client.ts';

const NOW = 1_000_000;
const PROVIDERS = ['one', 'two', 'three'];
const MODELS = ['a', 'b', 'shared'];
const NO_WISHES: RoutePreferences = { order: [], ignore: [], allowFallbacks: true };

const deployment = (provider: string, model: string, weight = 1): Deployment => ({
  id: deploymentId(`${provider}/${model}`),
  provider: providerId(provider),
  model,
  weight,
});

const names = (groups: readonly ModelGroup[] = [], providers: readonly string[] = PROVIDERS): ModelNames => ({
  groups,
  providers: new Set(providers),
  modelsOf: (provider) =>
    provider === 'one' ? ['a', 'shared'] : provider === 'two' ? ['b', 'shared', 'x/y'] : [],
});

const healthOf = (entries: Readonly<Record<string, Partial<DeploymentHealth>>>): HealthTable =>
  new Map(
    Object.entries(entries).map(([id, known]) => [
      deploymentId(id),
      { deployment: deploymentId(id), health: 1, lastUsedAtMs: NOW, updatedAtMs: NOW, ...known },
    ]),
  );

const ask = (question: Partial<RouteQuestion>): RouteQuestion => ({
  models: ['group'],
  names: names(),
  permissions: [{ models: [], providers: [] }],
  preferences: NO_WISHES,
  health: new Map(),
  nowMs: NOW,
  random: () => 0,
  ...question,
});

const idsOf = (question: RouteQuestion): string[] => planRoute(question).map(({ deployment: { id } }) => id);

const group = (strategy: ModelGroup['strategy'], ...deployments: readonly Deployment[]): ModelGroup => ({
  name: 'group',
  strategy,
  deployments,
});

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
  return 'none';
};

describe('an ordered group', () => {
  const ordered = group('ordered', deployment('one', 'a'), deployment('two', 'b'), deployment('three', 'c'));
  const plan = (health: HealthTable): string[] => idsOf(ask({ names: names([ordered]), health }));

  test('is tried as it was declared while all are well', () => {
    expect(plan(new Map())).toEqual(['one/a', 'two/b', 'three/c']);
  });

  test('puts deployments below the floor behind the healthy ones', () => {
    expect(plan(healthOf({ 'one/a': { health: HEALTH_FLOOR - 0.01 } }))).toEqual([
      'two/b',
      'three/c',
      'one/a',
    ]);
    expect(plan(healthOf({ 'one/a': { health: HEALTH_FLOOR } }))).toEqual(['one/a', 'two/b', 'three/c']);
  });

  test('puts deployments in cooldown last, and never leaves them out', () => {
    const health = healthOf({ 'one/a': { cooldownUntilMs: NOW + 1 }, 'two/b': { health: 0.1 } });
    expect(plan(health)).toEqual(['three/c', 'two/b', 'one/a']);
  });

  test('tries a deployment again as soon as its cooldown is over', () => {
    expect(plan(healthOf({ 'one/a': { cooldownUntilMs: NOW } }))).toEqual(['one/a', 'two/b', 'three/c']);
  });

  test('says for each deployment why it stands where it stands', () => {
    const health = healthOf({ 'one/a': { cooldownUntilMs: NOW + 1 }, 'two/b': { health: 0.1 } });
    expect(planRoute(ask({ names: names([ordered]), health })).map(({ reason }) => reason)).toEqual([
      'in the declared order',
      'health below 0.5 (0.10)',
      'cooling down after failures',
    ]);
  });
});

describe('fallbacks', () => {
  test('come after the model that was asked for, each deployment once', () => {
    expect(idsOf(ask({ models: ['one/a', 'two/b', 'a', 'one/a'] }))).toEqual(['one/a', 'two/b']);
  });

  test('come before a model that is cooling down', () => {
    const health = healthOf({ 'one/a': { cooldownUntilMs: NOW + 1 } });
    expect(idsOf(ask({ models: ['one/a', 'two/b'], health }))).toEqual(['two/b', 'one/a']);
  });

  test('that the key may not call are left out', () => {
    const permissions = [{ models: ['two/*'], providers: [] }];
    expect(idsOf(ask({ models: ['one/a', 'two/b'], permissions }))).toEqual(['two/b']);
  });
});

describe('wishes of the caller', () => {
  const models = ['one/a', 'two/b', 'three/c'];

  test.each<[Partial<RoutePreferences>, string[]]>([
    [{ order: ['three', 'two'] }, ['three/c', 'two/b', 'one/a']],
    [{ only: ['two', 'three'] }, ['two/b', 'three/c']],
    [{ ignore: ['one'] }, ['two/b', 'three/c']],
    [{ allowFallbacks: false }, ['one/a']],
    [{ order: ['two'], allowFallbacks: false }, ['two/b']],
    [{ order: ['nobody'] }, ['one/a', 'two/b', 'three/c']],
  ])('%j gives %j', (wishes, expected) => {
    expect(idsOf(ask({ models, preferences: { ...NO_WISHES, ...wishes } }))).toEqual(expected);
  });

  test('that leave nothing are refused, naming what excluded what', () => {
    const preferences = { ...NO_WISHES, only: ['two'] };
    const question = ask({ models: ['one/a'], preferences });
    expect(codeOf(() => planRoute(question))).toBe('no_eligible_deployment');
    expect(() => planRoute(question)).toThrow('one/a: not in provider.only');
  });
});

describe('permissions of the key', () => {
  test('name a group, a deployment, or a wildcard over either', () => {
    const both = names([group('ordered', deployment('one', 'a'), deployment('two', 'b'))]);
    const allowed = (models: readonly string[]) =>
      idsOf(ask({ names: both, permissions: [{ models, providers: [] }] }));
    expect(allowed(['group'])).toEqual(['one/a', 'two/b']);
    expect(allowed(['gr*'])).toEqual(['one/a', 'two/b']);
    expect(allowed(['two/b'])).toEqual(['two/b']);
    expect(allowed(['one/*'])).toEqual(['one/a']);
    expect(codeOf(() => allowed(['grou']))).toBe('permission_denied');
    expect(codeOf(() => allowed(['group/*']))).toBe('permission_denied');
  });

  test('bind providers too', () => {
    const permissions = [{ models: [], providers: ['two'] }];
    expect(idsOf(ask({ models: ['one/a', 'two/b'], permissions }))).toEqual(['two/b']);
    expect(codeOf(() => planRoute(ask({ models: ['one/a'], permissions })))).toBe('no_eligible_deployment');
  });
});

describe('resolveModel', () => {
  const known = names([{ ...group('ordered', deployment('one', 'a')), name: 'team/chat' }]);

  test.each([
    ['one/a', ['one/a']],
    ['one%2Fa', ['one/a']],
    ['one%2fa', ['one/a']],
    ['three/anything/at:all', ['three/anything/at:all']],
    ['team/chat', ['one/a']],
    ['team%2Fchat', ['one/a']],
    ['a', ['one/a']],
    ['b', ['two/b']],
    ['x/y', ['two/x/y']],
  ])('%s means %j', (name, expected) => {
    expect(resolveModel(name, known).deployments.map(({ id }) => id)).toEqual(expected);
  });

  test.each(['', '/', 'one/', '/a', 'nobody/a', 'c', 'shared', '__proto__', 'constructor'])(
    '%s is not known',
    (name) => {
      expect(codeOf(() => resolveModel(name, known))).toBe('model_not_found');
    },
  );

  test('names the candidates of a bare name that several providers have', () => {
    expect(() => resolveModel('shared', known)).toThrow('one/shared, two/shared');
  });

  test('names the providers that are on where another was meant', () => {
    expect(() => resolveModel('nobody/a', known)).toThrow(
      '"nobody" is not enabled here; enabled: one, two, three',
    );
  });

  test('does not repeat a name of any length', () => {
    expect(() => resolveModel('x'.repeat(100_000), known)).toThrow(/^.{0,400}$/);
  });
});

describe('any plan', () => {
  const arbitraryDeployment = fc
    .tuple(fc.constantFrom(...PROVIDERS, 'off'), fc.constantFrom(...MODELS), fc.integer({ min: 1, max: 9 }))
    .map(([provider, model, weight]) => deployment(provider, model, weight));
  const arbitraryGroup = (name: string) =>
    fc.record({
      name: fc.constant(name),
      strategy: fc.constantFrom<ModelGroup['strategy']>('ordered', 'weighted'),
      deployments: fc.uniqueArray(arbitraryDeployment, {
        selector: ({ id }) => id,
        minLength: 1,
        maxLength: 6,
      }),
    });
  const subset = fc.subarray(PROVIDERS);
  const arbitraryHealth = fc
    .array(
      fc.tuple(
        fc.constantFrom(...PROVIDERS),
        fc.constantFrom(...MODELS),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: NOW - 10, max: NOW + 10 }), { nil: undefined }),
      ),
    )
    .map((entries) =>
      healthOf(
        Object.fromEntries(
          entries.map(([provider, model, health, cooldownUntilMs]) => [
            `${provider}/${model}`,
            { health, ...(cooldownUntilMs !== undefined && { cooldownUntilMs }) },
          ]),
        ),
      ),
    );
  const arbitraryQuestion: fc.Arbitrary<RouteQuestion> = fc
    .record({
      groups: fc.tuple(arbitraryGroup('g1'), arbitraryGroup('g2')),
      models: fc.subarray(['g1', 'g2', 'one/a', 'two/b'], { minLength: 1 }),
      allowed: fc.subarray(['g1', 'one/*', 'two/b']),
      allowedAbove: fc.subarray(['g1', 'g2', 'one/*', 'two/*']),
      providers: subset,
      order: subset,
      only: fc.option(subset, { nil: undefined }),
      ignore: subset,
      allowFallbacks: fc.boolean(),
      health: arbitraryHealth,
      seed: fc.integer(),
    })
    .map(
      ({
        groups,
        models,
        allowed,
        allowedAbove,
        providers,
        order,
        only,
        ignore,
        allowFallbacks,
        health,
        seed,
      }) => ({
        models,
        names: names(groups),
        permissions: [
          { models: allowed, providers },
          { models: allowedAbove, providers: [] },
        ],
        preferences: { order, ignore, allowFallbacks, ...(only !== undefined && { only }) },
        health,
        nowMs: NOW,
        random: seededRandom(seed),
      }),
    );

  const isCooling = (health: HealthTable, id: DeploymentId): boolean =>
    (health.get(id)?.cooldownUntilMs ?? 0) > NOW;

  /** Runs a check on a plan; a refusal with the right code is no plan. */
  const check = (holds: (question: RouteQuestion, plan: ReturnType<typeof planRoute>) => void): void =>
    fc.assert(
      fc.property(arbitraryQuestion, (question) => {
        let plan: ReturnType<typeof planRoute>;
        try {
          plan = planRoute(question);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
          expect(['permission_denied', 'no_eligible_deployment']).toContain((error as GatewayError).code);
          return;
        }
        holds(question, plan);
      }),
      { numRuns: 1_000 },
    );

  test('is never empty and repeats nothing', () => {
    check((_, plan) => {
      const ids = plan.map(({ deployment: { id } }) => id);
      expect(ids.length).toBeGreaterThan(0);
      expect(new Set(ids).size).toBe(ids.length);
    });
  });

  test('holds only what key, caller and gateway allow', () => {
    check(({ permissions, preferences, names: { providers } }, plan) => {
      for (const {
        deployment: { provider, id },
        group: name,
      } of plan) {
        expect(providers.has(provider)).toBe(true);
        expect(preferences.only === undefined || preferences.only.includes(provider)).toBe(true);
        expect(preferences.ignore).not.toContain(provider);
        for (const { models, providers: allowed } of permissions) {
          expect(allowed.length === 0 || allowed.includes(provider)).toBe(true);
          const isAllowed = models.some((pattern) =>
            pattern.endsWith('*')
              ? id.startsWith(pattern.slice(0, -1)) || name.startsWith(pattern.slice(0, -1))
              : pattern === id || pattern === name,
          );
          expect(models.length === 0 || isAllowed).toBe(true);
        }
      }
    });
  });

  test('leaves out nothing that is allowed, where fallbacks are', () => {
    check((question, plan) => {
      if (!question.preferences.allowFallbacks) return expect(plan).toHaveLength(1);
      const everything = planRoute({
        ...question,
        health: new Map(),
        preferences: { ...question.preferences, order: [] },
      });
      expect(plan.map(({ deployment: { id } }) => id).sort()).toEqual(
        everything.map(({ deployment: { id } }) => id).sort(),
      );
    });
  });

  test('has what is cooling down last', () => {
    check(({ health }, plan) => {
      const cooling = plan.map(({ deployment: { id } }) => isCooling(health, id));
      expect(cooling).toEqual(cooling.toSorted((a, b) => Number(a) - Number(b)));
    });
  });

  test('follows the order the caller wishes, among what is not cooling down', () => {
    check(({ health, preferences: { order } }, plan) => {
      const ranks = plan
        .filter(({ deployment: { id } }) => !isCooling(health, id))
        .map(({ deployment: { provider } }) => order.indexOf(provider))
        .map((rank) => (rank === -1 ? order.length : rank));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    });
  });
});

describe('a weighted group', () => {
  test('draws each deployment first as often as weight × health says', () => {
    const deployments = [deployment('one', 'a', 1), deployment('two', 'b', 3), deployment('three', 'c', 6)];
    const question = ask({
      names: names([group('weighted', ...deployments)]),
      health: healthOf({ 'three/c': { health: 0.5 } }),
      random: seededRandom(7),
    });
    const draws = 20_000;
    const counts = new Map<string, number>();
    for (let index = 0; index < draws; index += 1) {
      const [first = ''] = idsOf(question);
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    const share = (id: string): number => (counts.get(id) ?? 0) / draws;
    expect(share('one/a')).toBeCloseTo(1 / 7, 1.5);
    expect(share('two/b')).toBeCloseTo(3 / 7, 1.5);
    expect(share('three/c')).toBeCloseTo(3 / 7, 1.5);
  });

  test('draws the second from what is left, by the same rule', () => {
    const deployments = [deployment('one', 'a', 1), deployment('two', 'b', 1), deployment('three', 'c', 8)];
    const question = ask({ names: names([group('weighted', ...deployments)]), random: seededRandom(11) });
    let afterOne = 0;
    let oneFirst = 0;
    for (let index = 0; index < 20_000; index += 1) {
      const [first, second] = idsOf(question);
      if (first !== 'one/a') continue;
      oneFirst += 1;
      if (second === 'three/c') afterOne += 1;
    }
    expect(afterOne / oneFirst).toBeCloseTo(8 / 9, 1.5);
  });

  test('does not draw what is cooling down before the rest', () => {
    const deployments = [deployment('one', 'a', 1_000), deployment('two', 'b', 1)];
    const health = healthOf({ 'one/a': { cooldownUntilMs: NOW + 1 } });
    const question = ask({
      names: names([group('weighted', ...deployments)]),
      health,
      random: seededRandom(3),
    });
    for (let index = 0; index < 100; index += 1) expect(idsOf(question)).toEqual(['two/b', 'one/a']);
  });
});

describe('what a deployment is known to lack', () => {
  const deployments = [deployment('one', 'a'), deployment('two', 'b'), deployment('two', 'x/y')];
  const named = names([group('ordered', ...deployments)]);
  const lacks = ({ id }: Deployment): readonly string[] => (id === 'one/a' ? ['vision', 'tools'] : []);

  test('puts it last, with the reason', () => {
    const plan = planRoute(ask({ names: named, lacks }));
    expect(plan.map(({ deployment: { id } }) => id)).toEqual(['two/b', 'two/x/y', 'one/a']);
    expect(plan[2]?.reason).toBe('in the declared order; lacks vision, tools');
  });

  test('weighs less than the caller’s own order, and than nothing else being left', () => {
    const order = { ...NO_WISHES, order: ['one'] };
    expect(idsOf(ask({ names: named, lacks, preferences: order }))[0]).toBe('one/a');
    expect(idsOf(ask({ names: named, lacks: () => ['tools'] }))).toHaveLength(3);
  });

  test('counts before failures do: what cools down may answer, what cannot see may not', () => {
    const health = healthOf({
      'two/b': { cooldownUntilMs: NOW + 1_000 },
      'two/x/y': { cooldownUntilMs: NOW + 1_000 },
    });
    expect(idsOf(ask({ names: named, lacks, health }))[0]).toBe('one/a');
  });

  test('excludes it where the caller requires all parameters, and the error says so', () => {
    const preferences = { ...NO_WISHES, requireParameters: true } as const;
    expect(idsOf(ask({ names: named, lacks, preferences }))).toEqual(['two/b', 'two/x/y']);
    const nothingLeft = ask({ names: named, lacks: () => ['vision'], preferences });
    expect(codeOf(() => planRoute(nothingLeft))).toBe('no_eligible_deployment');
    expect(() => planRoute(nothingLeft)).toThrow('one/a: lacks vision (provider.require_parameters)');
  });
});
