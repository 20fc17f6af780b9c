import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { memberOf, textIn } from './wire.ts';

/** No list of arguments is longer: a bound on what a hostile path can make us hold. */
const MAX_LIST_LENGTH = 10_000;
/** No arguments are nested deeper. */
const MAX_DEPTH = 100;

type Holder = Json[] | { [name: string]: Json };

/**
 * Arguments of a function that come piece by piece, each piece a value and its place; text comes in several pieces.
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
 */
export class PartialArguments {
  readonly #root: { [name: string]: Json } = Object.create(null);
  /** Whether every piece could be placed. */
  isWhole = true;

  /** Puts one `partialArgs` entry where its `jsonPath` says. */
  add(piece: JsonObject): void {
    const path = readPath(textIn(piece, 'jsonPath') ?? '');
    const value = pieceValue(piece);
    const last = path?.at(-1);
    const holder = path === undefined ? undefined : this.#holder(path);
    if (holder === undefined || last === undefined || value === undefined) this.isWhole = false;
    else if (!put(holder, last, value)) this.isWhole = false;
  }

  /** The arguments so far, as JSON text. */
  toJson(): string {
    return JSON.stringify(this.#root);
  }

  /** The object or list in which the path's last step lies; made where it is not there yet. */
  #holder(path: readonly (string | number)[]): Holder | undefined {
    let holder: Holder = this.#root;
    for (const [index, step] of path.slice(0, -1).entries()) {
      const inner = get(holder, step);
      if (typeof inner === 'object' && inner !== null) {
        // Everything in here was made here, and is ours to change.
        holder = inner as Holder;
        continue;
      }
      const made: Holder = typeof path[index + 1] === 'number' ? [] : Object.create(null);
      if (inner !== undefined || !put(holder, step, made)) return undefined;
      holder = made;
    }
    return holder;
  }
}

function get(holder: Holder, step: string | number): Json | undefined {
  if (Array.isArray(holder)) return typeof step === 'number' ? holder[step] : undefined;
  return typeof step === 'string' ? holder[step] : undefined;
}

/** False where the step does not fit the holder. Text goes behind the text that is there. */
function put(holder: Holder, step: string | number, value: Json): boolean {
  const before = get(holder, step);
  const next = typeof before === 'string' && typeof value === 'string' ? before + value : value;
  if (Array.isArray(holder)) {
    if (typeof step !== 'number' || step > holder.length || step >= MAX_LIST_LENGTH) return false;
    holder[step] = next;
    return true;
  }
  if (typeof step !== 'string') return false;
  holder[step] = next;
  return true;
}

function pieceValue(piece: JsonObject): Json | undefined {
  for (const name of ['stringValue', 'numberValue', 'boolValue', 'structValue', 'listValue']) {
    const value = memberOf(piece, name);
    if (value !== undefined && value !== null) return isJsonObject(value) ? structuredClone(value) : value;
  }
  return memberOf(piece, 'nullValue') === undefined ? undefined : null;
}

/** The steps of a JSON path such as `$.foo.bar[0]['a b']`. @see https://datatracker.ietf.org/doc/html/rfc9535 */
function readPath(text: string): readonly (string | number)[] | undefined {
  if (!text.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  let rest = text.slice(1);
  while (rest !== '') {
    const match = /^(?:\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\])/.exec(rest);
    if (match === null || steps.length >= MAX_DEPTH) return undefined;
    const [whole, plain, index, single, double] = match;
    const quoted = (single ?? double)?.replace(/\\(.)/g, '$1');
    steps.push(index === undefined ? (plain ?? quoted ?? '') : Number(index));
    rest = rest.slice(whole.length);
  }
  return steps.length === 0 ? undefined : steps;
}
