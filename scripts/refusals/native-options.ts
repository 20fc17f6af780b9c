import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { isJsonObject, type Json, type JsonObject } from '../../lambda/domain/json.ts';

const DIALECTS_FOLDER = path.join(import.meta.dirname, '../../lambda/dialects');

/** Values of every type, of which an option takes at least one. */
const VALUES: readonly Json[] = [true, 1, 'a', { unheard: 1, type: 'a' }, [], [{}]];

/** Where formats keep options in an object of their own. */
const OBJECTS = /Config$|config$|Fields$|_options$/;

/** No name of anything: an object that keeps it keeps every name. */
const NO_NAME = 'unheard';

/**
 * Options of the whole request that only this dialect knows: every name that stands in its own source is offered to its
 * decoder, alone and within the objects that hold options, and those that it keeps for itself are told. `x.*` stands for
 * any member of `x` that other dialects have no word for.
 */
export function nativeOptionsOf(dialect: Dialect): readonly string[] {
  const base = baseBody(dialect);
  const names = namesIn(dialect);
  const holders = names.filter((name) => OBJECTS.test(name) && !keepsAll(dialect, base, name));
  const found = [undefined, ...holders].flatMap((holder) =>
    [...names, NO_NAME].flatMap((name) =>
      firstKept(
        dialect,
        VALUES.map((value) => withOption(base, holder, { [name]: value })),
      ),
    ),
  );
  return [...new Set(found.map((name) => starred(dialect, base, name)))].sort();
}

/** The options kept of the first body of which any is. */
function firstKept(dialect: Dialect, bodies: readonly JsonObject[]): readonly string[] {
  for (const body of bodies) {
    const kept = keptOptions(dialect, body);
    if (kept.length > 0) return kept;
  }
  return [];
}

const keepsAll = (dialect: Dialect, base: JsonObject, holder: string): boolean =>
  keptOptions(dialect, withOption(base, holder, { [NO_NAME]: 1 })).includes(`${holder}.${NO_NAME}`);

function starred(dialect: Dialect, base: JsonObject, name: string): string {
  const holder = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  return holder !== '' && keepsAll(dialect, base, holder) ? `${holder}.*` : name;
}

const HELLO: ChatRequest = {
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
};

const baseBody = (dialect: Dialect): JsonObject =>
  dialect.encodeRequest(HELLO, { model: 'm', maxOutputTokens: 100 }).body;

function withOption(base: JsonObject, holder: string | undefined, option: JsonObject): JsonObject {
  if (holder === undefined) return { ...base, ...option };
  const held = base[holder];
  return { ...base, [holder]: { ...(isJsonObject(held) ? held : {}), ...option } };
}

/** Words of the source that could be names of options: quoted, or members of a table. */
function namesIn({ id }: Dialect): readonly string[] {
  const sources = globSync('*.ts', { cwd: path.join(DIALECTS_FOLDER, id) }).sort();
  const names = sources.flatMap((file) => {
    const text = readFileSync(path.join(DIALECTS_FOLDER, id, file), 'utf8');
    return [...text.matchAll(/'([a-zA-Z]\w+)'|\b([a-zA-Z]\w+): /g)].flatMap(
      ([, quoted, member]) => quoted ?? member ?? [],
    );
  });
  return [...new Set(names)];
}

/** None where the decoder refuses the body: the value is of a wrong type. */
function keptOptions(dialect: Dialect, body: JsonObject): readonly string[] {
  try {
    const { nativeOptions } = dialect.decodeRequest(body, { model: 'm', stream: false });
    return Object.keys(nativeOptions);
  } catch {
    return [];
  }
}
