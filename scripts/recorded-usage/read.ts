import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent } from '../../lambda/domain/chat/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../lambda/domain/json.ts';
import { mergeUsage, type Usage } from '../../lambda/domain/money/usage.ts';

/** One recorded answer, and what its provider said it counted. */
export interface RecordedUsage {
  readonly name: string;
  readonly provider: string;
  /** The provider's name of the model: as asked for, where the request was recorded. */
  readonly model: string;
  /** The name under which the provider answered, where it gives one: an alias is priced as what it stands for. */
  readonly answeredModel: string | undefined;
  /** As Sluice reads it; `undefined`: the answer reports nothing. */
  readonly usage: Usage | undefined;
  /** As it stands in the answer; the last one of a stream. */
  readonly wire: JsonObject;
}

const FIXTURES = path.join(import.meta.dirname, '../../test/fixtures');
const DIALECTS: readonly Dialect[] = [openaiChat, anthropicMessages];

/** Every recorded answer in a dialect that Sluice speaks. A folder more is a case more. */
export async function recordedUsage(): Promise<readonly RecordedUsage[]> {
  const cases = DIALECTS.flatMap((dialect) => {
    const folder = path.join(FIXTURES, dialect.id);
    return readdirSync(folder).map((name) => read(dialect, path.join(folder, name), name));
  });
  return (await Promise.all(cases)).filter((one) => one !== undefined);
}

/** `undefined`: the provider refused, so that nothing was counted. */
async function read(dialect: Dialect, folder: string, name: string): Promise<RecordedUsage | undefined> {
  const source = jsonIn(path.join(folder, 'source.json'));
  if (source['status'] !== 200) return undefined;
  const request = path.join(folder, 'request.json');
  const asked = existsSync(request) ? jsonIn(request)['model'] : undefined;
  const isStream = existsSync(path.join(folder, 'upstream.sse'));
  const body = readFileSync(path.join(folder, isStream ? 'upstream.sse' : 'upstream.json'));
  const payloads = isStream ? dataOf(body.toString()) : [parsed(body.toString())];
  const answered = payloads.map(modelIn).find((model) => model !== undefined);
  const events = isStream ? await streamEvents(dialect, body) : dialect.decodeAnswer(body.toString()).events;
  return {
    name,
    provider: String(source['provider']),
    model: String(asked ?? source['model'] ?? answered),
    answeredModel: answered,
    usage: usageOf(events),
    wire: payloads.map(usageIn).findLast((usage) => usage !== undefined) ?? {},
  };
}

async function streamEvents(dialect: Dialect, body: Uint8Array): Promise<readonly ChatEvent[]> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield body;
  }
  const frames = await Array.fromAsync(dialect.decodeStream(bytes()));
  return frames.flatMap(({ events }) => events);
}

const usageOf = (events: readonly ChatEvent[]): Usage | undefined =>
  events.reduce(
    (usage: Usage | undefined, event) => (event.type === 'usage' ? mergeUsage(usage, event.usage) : usage),
    undefined,
  );

const dataOf = (stream: string): readonly Json[] =>
  stream.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [parsed(line.slice(5))] : []));

/** Text that is no JSON (`[DONE]`) holds no usage. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const usageIn = (payload: Json): JsonObject | undefined =>
  isJsonObject(payload) && isJsonObject(payload['usage']) ? payload['usage'] : undefined;

function modelIn(payload: Json): string | undefined {
  if (!isJsonObject(payload)) return undefined;
  const { model, message } = payload;
  if (typeof model === 'string' && model !== '') return model;
  return isJsonObject(message) ? modelIn(message) : undefined;
}

function jsonIn(file: string): JsonObject {
  const value: Json = JSON.parse(readFileSync(file, 'utf8'));
  if (!isJsonObject(value)) throw new Error(`${file} holds no object.`);
  return value;
}
