import type { ChatRequest } from '../domain/chat/request.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Given } from './given.ts';
import { defined } from './loose.ts';

/** The model's name; of a list of fallbacks alone, the first. */
export function decodeModel(given: Given): string {
  const model = given.member('model');
  const name = model.optionalString();
  if (name !== undefined && name !== '') return name;
  const fallback = given.member('models').optionalList()?.[0]?.string();
  return fallback === undefined || fallback === '' ? model.refuse('the name of a model') : fallback;
}

/** Labels, of which each is text. */
export function decodeMetadata(metadata: Given): JsonObject | undefined {
  const object = metadata.optionalObject();
  for (const name of Object.keys(object ?? {})) metadata.member(name).string();
  return object;
}

/** The options that were given. */
export const definedOptions = (
  options: {
    readonly [Name in keyof ChatRequest]?: ChatRequest[Name] | undefined;
  },
  // Only members without a value are left out.
): Partial<ChatRequest> => defined(options as JsonObject) as Partial<ChatRequest>;
