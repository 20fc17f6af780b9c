import fc from 'fast-check';
import type { Dialect, RequestTarget } from '../../lambda/dialects/dialect.ts';
import { REQUEST_FEATURES, type RequestFeature } from '../../lambda/dialects/request-feature.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import { anyRequest } from './any-request.ts';

/** What an encoder leaves out, over very many requests. */
export interface LeftOutFeatures {
  /** All that was left out, refused or omitted. */
  readonly features: ReadonlySet<RequestFeature>;
  /** Left out, but not told of in the dialect's own `inexpressible`. */
  readonly undeclared: readonly RequestFeature[];
  /** Told of in `inexpressible`, but never left out. */
  readonly neverLeftOut: readonly string[];
  /** Spelled or told of, but no feature at all. */
  readonly unknown: readonly string[];
  /** Reasons that are no sentence. */
  readonly noSentences: readonly string[];
}

/**
 * Encodes requests of any dialect and compares what is left out with what the dialect says it leaves out.
 * @param options the models that are asked for (one of them at random), as limits may differ between them
 * @throws what the encoder throws, other than a `GatewayError`
 */
export function leftOutFeatures(
  dialect: Dialect,
  options: { readonly models: readonly string[]; readonly requests?: number; readonly seed?: number },
): LeftOutFeatures {
  const { models, requests = 3000, seed = 1 } = options;
  const drawn = fc.tuple(anyRequest, fc.constantFrom(...models));
  const features = new Set<RequestFeature>();
  for (const [request, model] of fc.sample(drawn, { numRuns: requests, seed })) {
    const target = { model, maxOutputTokens: request.maxOutputTokens ?? 9000, modelMaxOutputTokens: 50_000 };
    for (const feature of leftOutOf(dialect, request, target)) features.add(feature);
  }
  const declared = Object.keys(dialect.inexpressible);
  return {
    features,
    undeclared: [...features].filter((feature) => dialect.inexpressible[feature] === undefined),
    // Sets take only what they may hold; any name may be asked for.
    neverLeftOut: declared.filter(
      (name) => !(features as ReadonlySet<string>).has(name) && name !== BY_PIPELINE,
    ),
    unknown: [...declared, ...Object.keys(dialect.spellings)].filter((name) => !(name in REQUEST_FEATURES)),
    noSentences: Object.values(dialect.inexpressible).filter((reason) => !/^[A-Z].*\.$/.test(reason)),
  };
}

/** The pipeline knows how long a model's answers may be, lowers the bound itself and names it. */
const BY_PIPELINE = 'max_output_tokens';

/** A request that is refused as a whole leaves nothing out. */
function leftOutOf(
  dialect: Dialect,
  request: Parameters<Dialect['encodeRequest']>[0],
  target: RequestTarget,
): readonly RequestFeature[] {
  try {
    const { unsupported, omitted } = dialect.encodeRequest(request, target);
    return [...unsupported, ...omitted].map(({ feature }) => feature);
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}
