import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { CARRIED_BYTES_START, readProofBytes } from '../carried-proof.ts';
import { NO_SIGNATURE_CHECK } from './encode-parts.ts';
import { traitsOf } from './thinking.ts';
import { memberOf, objectsIn, optionalObjectIn, textIn } from './wire.ts';

/**
 * The turns of a conversation that another provider answered before, as Google takes them: without that provider's proofs,
 * and with the calls that Google did not make marked as such.
 * @returns `undefined` where nothing in them is another's, and they can stay as they are
 */
export function acceptableContents(
  raw: string,
  body: JsonObject,
  model: string,
): readonly Json[] | undefined {
  if (!raw.includes(CARRIED_BYTES_START)) return undefined;
  const contents = objectsIn(body, 'contents');
  if (!contents.some((turn) => objectsIn(turn, 'parts').some(isForeign))) return undefined;
  const { isThirdGeneration } = traitsOf(model);
  return contents.flatMap((turn) => {
    const parts = objectsIn(turn, 'parts').filter((part) => !isForeign(part));
    if (parts.length === 0) return [];
    const isSigned = textIn(turn, 'role') !== 'model' || !isThirdGeneration;
    return [{ ...turn, parts: isSigned ? parts : withMarkedCall(parts) }];
  });
}

const isForeign = (part: JsonObject): boolean =>
  readProofBytes(textIn(part, 'thoughtSignature') ?? '') !== undefined;

function withMarkedCall(parts: readonly JsonObject[]): readonly JsonObject[] {
  const first = parts.findIndex((part) => optionalObjectIn(part, 'functionCall') !== undefined);
  const call = parts[first];
  if (!isJsonObject(call) || memberOf(call, 'thoughtSignature') !== undefined) return parts;
  return parts.with(first, { ...call, thoughtSignature: NO_SIGNATURE_CHECK });
}
