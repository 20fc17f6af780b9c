/** A string that can only be made by its own constructor function, so that ids of two kinds are never mixed up. */
type Branded<Name extends string> = string & { readonly __brand: Name };

/** The id of one request, its record and its answer: `gen-…`. */
export type RequestId = Branded<'RequestId'>;
/** The public id of a virtual key: `key_…`. It is no secret. */
export type VirtualKeyId = Branded<'VirtualKeyId'>;
/** SHA-256 of a virtual key's secret part, lower-case hex. The only form in which a secret is stored. */
export type SecretHash = Branded<'SecretHash'>;
/** A provider's name as callers write it: `openai`. */
export type ProviderId = Branded<'ProviderId'>;
/** One place that can serve a model: `provider/model`, with `@region` and `#credential` where declared. */
export type DeploymentId = Branded<'DeploymentId'>;

// Each cast is the one place where the brand is given; the caller vouches for the text.
export const requestId = (text: string): RequestId => text as RequestId;
export const virtualKeyId = (text: string): VirtualKeyId => text as VirtualKeyId;
export const secretHash = (text: string): SecretHash => text as SecretHash;
export const providerId = (text: string): ProviderId => text as ProviderId;
export const deploymentId = (text: string): DeploymentId => text as DeploymentId;
