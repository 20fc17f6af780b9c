import { isJsonObject, type Json, type JsonObject } from '../../lambda/domain/json.ts';
import type { Random } from './random.ts';

const deep = (depth: number): Json => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

/** What nobody expects where it stands. */
const STRANGE: readonly [Json, ...Json[]] = [
  ...([null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, '', ' ', 'text', 'null', '\u0000', '\ud800'] as const),
  ...([
    'assistant',
    'tool',
    'function',
    'image',
    'thinking',
    'stop',
    '__proto__',
    '{"a":',
    'data:;base64,',
  ] as const),
  ...([[], {}, [null], [[]], [{}], { type: 'text' }, { type: 'tool_use' }, { text: null }] as const),
  { type: 'image', source: { type: 'base64' } },
  { role: 'tool', content: [] },
  deep(300),
];

/** The object with one to three things in it changed: replaced, left out, moved, repeated, or given another name. */
export function mutateJson(value: JsonObject, random: Random): JsonObject {
  let changed = value;
  for (let times = random.pick([1, 1, 2, 3]); times > 0; times -= 1) changed = changeObject(changed, random);
  return changed;
}

function changeSomewhere(value: Json, random: Random): Json {
  if (Array.isArray(value)) return value.length === 0 ? strange(random) : changeList(value, random);
  return isJsonObject(value) && !random.oneIn(12) ? changeObject(value, random) : strange(random);
}

function changeObject(value: JsonObject, random: Random): JsonObject {
  const names = Object.keys(value);
  const name = random.pick(names);
  if (name === undefined) return { [random.pick(NAMES)]: strange(random) };
  const { [name]: member = null, ...others } = value;
  switch (random.below(12)) {
    case 0:
      return others;
    case 1:
      return { ...others, [random.pick(names) ?? 'type']: member };
    case 2:
      return { ...value, [name]: strange(random) };
    case 3:
      return { ...value, [random.pick(NAMES)]: strange(random) };
    default:
      return { ...value, [name]: changeSomewhere(member, random) };
  }
}

function changeList(list: readonly Json[], random: Random): Json {
  const at = random.below(list.length);
  const item = list[at] ?? null;
  switch (random.below(8)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(random.below(list.length), 0, item);
    case 2:
      return list.toReversed();
    case 3:
      return list.with(at, strange(random));
    default:
      return list.with(at, changeSomewhere(item, random));
  }
}

const strange = (random: Random): Json => random.pick(STRANGE);

/** Names that some format reads. */
const NAMES: readonly [string, ...string[]] = [
  ...([
    'content',
    'type',
    'role',
    'text',
    'tool_calls',
    'tools',
    'tool_choice',
    'model',
    'messages',
  ] as const),
  ...([
    'input',
    'contents',
    'parts',
    'system',
    'reasoning',
    'thinking',
    'max_tokens',
    'stop',
    'stream',
  ] as const),
  ...(['choices', 'delta', 'index', 'usage', 'error', 'finish_reason', 'id', 'name', 'arguments'] as const),
];
