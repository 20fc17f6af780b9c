import { editJson } from './edit-json.ts';
import { GatewayError } from './errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from './json.ts';

/**
 * A JSON object's text without some of its members, every other byte as it was.
 * @param names as a dialect names what it does not know: `x_new`, or within what it reads `tools.x_new`, in each item of a list
 * @throws GatewayError `cost_unbounded` where a member's own name has the dot, so that it could mean another member
 */
export function withoutNamed(text: string, names: readonly string[]): string {
  const body = parseJsonObject(text) ?? {};
  const paths = new Map(
    names.flatMap((name) => pathsOf(body, name.split('.'))).map((path) => [JSON.stringify(path), path]),
  );
  return editJson(
    text,
    [...paths.values()].map((path) => ({ path, text: undefined })),
  );
}

function pathsOf(holder: Json | undefined, names: readonly string[]): (readonly string[])[] {
  if (Array.isArray(holder))
    return (holder as readonly Json[]).flatMap((item, index) => under(String(index), pathsOf(item, names)));
  const [name, ...rest] = names;
  if (!isJsonObject(holder) || name === undefined) return [];
  if (rest.length > 0) refuseDotted(holder, names.join('.'));
  if (!Object.hasOwn(holder, name)) return [];
  return rest.length === 0 ? [[name]] : under(name, pathsOf(holder[name], rest));
}

const under = (name: string, paths: readonly (readonly string[])[]): (readonly string[])[] =>
  paths.map((path) => [name, ...path]);

function refuseDotted(holder: JsonObject, name: string): void {
  if (!Object.hasOwn(holder, name)) return;
  throw new GatewayError(
    'cost_unbounded',
    'The request has a field with a dot in its name, of which nobody knows what it costs, and a hard budget must hold it.',
    { param: name.slice(0, 100) },
  );
}
