import type { JsonObject } from '../../domain/json.ts';

/**
 * Amazon Bedrock's Converse and ConverseStream. Blobs are base64 in JSON.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export const DIALECT_ID = 'bedrock-converse';

/** The member if it is text, the empty one too. */
export function stringIn(parent: JsonObject, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' ? value : undefined;
}

/** The name of a union's one member (`{"text": "…"}`); `undefined` for an object that says nothing. */
export const unionMember = (union: JsonObject): string | undefined =>
  Object.keys(union).find((name) => union[name] !== undefined && union[name] !== null);
