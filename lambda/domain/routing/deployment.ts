import type { CacheSettings } from '../cache-settings.ts';
import { type DeploymentId, deploymentId, type ProviderId } from '../ids.ts';

/** One place that can serve a model. */
export interface Deployment {
  readonly id: DeploymentId;
  readonly provider: ProviderId;
  /** The provider's own name for the model. */
  readonly model: string;
  /** Where it runs, if the operator says so: prices may differ by it. */
  readonly region?: string;
  /** The operator's share of traffic within a weighted group; never changed by the machine. */
  readonly weight: number;
}

/** A name callers use for several deployments that may answer it. */
export interface ModelGroup {
  readonly name: string;
  /** `ordered`: the first healthy one. `weighted`: drawn by weight × health. */
  readonly strategy: 'ordered' | 'weighted';
  readonly deployments: readonly Deployment[];
  /** What becomes of its answers; `undefined`: as everywhere in this gateway. */
  readonly cache?: CacheSettings;
  /** What becomes of parameters that the answering dialect cannot express; `undefined`: as everywhere in this gateway. */
  readonly unsupportedParameters?: 'reject' | 'drop';
}

/** A deployment that nobody declared: `provider/model` as a caller wrote it. */
export const undeclaredDeployment = (provider: ProviderId, model: string): Deployment => ({
  id: deploymentId(`${provider}/${model}`),
  provider,
  model,
  weight: 1,
});

/** The two parts of a deployment's name. A provider's name holds no slash; a model's may. */
export function deploymentParts(id: DeploymentId): { readonly provider: string; readonly model: string } {
  const slash = id.indexOf('/');
  return { provider: id.slice(0, slash), model: id.slice(slash + 1) };
}
