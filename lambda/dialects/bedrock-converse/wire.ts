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

/** The names of a union's members: one (`{"text": "…"}`), none where it says nothing, more where it is none of Bedrock's. */
export const unionMembers = (union: JsonObject): readonly string[] =>
  Object.keys(union).filter((name) => union[name] !== undefined && union[name] !== null);

/** The name of a union's one member; `undefined` for an object that says nothing. */
export const unionMember = (union: JsonObject): string | undefined => unionMembers(union)[0];

/** Whether a union has this one member and no other. */
export function isOnly(union: JsonObject, name: string): boolean {
  const [first, other] = unionMembers(union);
  return first === name && other === undefined;
}
