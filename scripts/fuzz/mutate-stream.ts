import { isJsonObject, parseJson } from '../../lambda/domain/json.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** A recorded stream; each character of `text` is one of its bytes. */
export interface RecordedStream {
  readonly text: string;
  /** The same, event by event. */
  readonly events: readonly string[];
}

type Mutation = (stream: RecordedStream, random: Random, other: RecordedStream) => string;

/** What happens to streams on their way, and what a hostile provider would send. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'as it came': ({ text }) => text,
  'bytes flipped': ({ text }, random) => {
    const bytes = Buffer.from(text, 'latin1');
    for (let times = 1 + random.below(8); times > 0; times -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    return bytes.toString('latin1');
  },
  'cut off': ({ text }, random) => text.slice(0, random.below(text.length + 1)),
  'bytes lost': ({ text }, random) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + text.slice(at + 1 + random.below(40));
  },
  'another stream spliced in': ({ text }, random, other) => {
    const at = random.below(text.length + 1);
    const from = random.below(other.text.length + 1);
    return text.slice(0, at) + other.text.slice(from, from + random.below(400)) + text.slice(at);
  },
  'event repeated': ({ events }, random) => {
    const event = random.pick(events) ?? '';
    return events.toSpliced(random.below(events.length + 1), 0, event).join('');
  },
  'event lost': ({ events }, random) => events.toSpliced(random.below(events.length), 1).join(''),
  'events reordered': ({ events }, random) => {
    const at = random.below(events.length);
    return events.toSpliced(at, 2, ...events.slice(at, at + 2).reverse()).join('');
  },
  'event of another stream': ({ events }, random, other) =>
    events.toSpliced(random.below(events.length + 1), 0, random.pick(other.events) ?? '').join(''),
  'value changed': ({ events }, random) => {
    const at = random.below(events.length);
    return events.with(at, withOtherValue(events[at] ?? '', random)).join('');
  },
  'values changed': ({ events }, random) =>
    events.map((event) => (random.oneIn(4) ? withOtherValue(event, random) : event)).join(''),
};

const NAMES = Object.keys(MUTATIONS);

/** One recording, changed in one of all these ways. */
export function mutateStream(
  stream: RecordedStream,
  random: Random,
  other: RecordedStream,
): { readonly mutation: string; readonly bytes: Uint8Array } {
  const mutation = random.pick(NAMES) ?? '';
  const text = MUTATIONS[mutation]?.(stream, random, other) ?? stream.text;
  return { mutation, bytes: Buffer.from(text, 'latin1') };
}

/** The JSON of one event, changed. Where there is none (a binary event) some of its bytes are. */
function withOtherValue(event: string, random: Random): string {
  const [, before, data, after] = /^([^{]*data: ?)(\{.*\})(\s*)$/s.exec(event) ?? [];
  const value = data === undefined ? undefined : parseJson(Buffer.from(data, 'latin1').toString('utf8'));
  if (!isJsonObject(value)) return event.replace(/[0-9a-z]/, String(random.below(10)));
  const changed = Buffer.from(JSON.stringify(mutateJson(value, random)), 'utf8').toString('latin1');
  return `${before}${changed}${after}`;
}

/** The stream in chunks of random sizes, from single bytes to all at once. */
export async function* inRandomChunks(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  const largest = random.pick([1, 7, 100, 1000, 65_536]);
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(largest);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
