import families from './model-equivalents.json' with { type: 'json' };

/** A deployment as a model group of `gateway.config.ts` names it. */
export interface NamedDeployment {
  readonly provider: string;
  readonly model: string;
}

let familyOfModel: ReadonlyMap<string, readonly string[]> | undefined;

/** The models that are the same as this one, and itself; empty where no other provider is known to have it. */
function familyOf(model: string): readonly string[] {
  familyOfModel ??= new Map(
    Object.values(families as Readonly<Record<string, readonly string[]>>).flatMap((members) =>
      members.map((member) => [member, members] as const),
    ),
  );
  return familyOfModel.get(model) ?? [];
}

/** The same model at other providers, and under other names of its own, as `provider/model`. */
export const equivalentsOf = (model: string): readonly string[] =>
  familyOf(model).filter((member) => member !== model);

/**
 * The deployments of a model group that has one model at several providers, for failover:
 *
 *     deployments: sameModel('anthropic/claude-sonnet-4-5', ['bedrock/eu.', 'vertex'])
 *
 * @param model what is tried first, as `provider/model`
 * @param providers the others, in their order. A provider that has the model under several names is asked for the shortest
 *   that begins with what stands behind the slash: `bedrock/eu.` is a profile that stays in Europe
 * @throws Error that says which providers are known to have it, where one of these is not
 */
export function sameModel(model: string, providers: readonly string[]): readonly NamedDeployment[] {
  const members = familyOf(model);
  const others = providers.map((wished) => {
    const beginning = wished.includes('/') ? wished : `${wished}/`;
    const found = members.find((member) => member.startsWith(beginning));
    if (found !== undefined) return parts(found);
    const hint = members.length === 0 ? 'No other provider is.' : `It is known as ${members.join(', ')}.`;
    throw new Error(`sameModel: ${wished} is not known to have ${model}. ${hint}`);
  });
  return [parts(model), ...others];
}

/** A provider's name holds no slash; a model's may. */
function parts(name: string): NamedDeployment {
  const slash = name.indexOf('/');
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}
