import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DialectId } from '../../lambda/dialects/dialect.ts';
import { DIALECTS } from '../../lambda/dialects/registry.ts';
import type { ChatEvent } from '../../lambda/domain/chat/event.ts';
import { providerId } from '../../lambda/domain/ids.ts';
import { CUSTOM } from '../../lambda/providers/custom/provider.ts';
import { type RecordedUpstream, startRecordedUpstream } from '../matrix/recorded-upstream.ts';
import { type LocalGateway, startLocalGateway, until } from '../support/local-gateway.ts';

/** Answers that are kept and given again to callers of their own format, in whichever form these want them. */

const FIXTURES = path.join(import.meta.dirname, '../fixtures');

const QUESTION = { role: 'user', content: 'Hi' };

type Form = 'whole' | 'stream';

interface Asked {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const inBody =
  (address: string, body: Readonly<Record<string, unknown>>) =>
  (model: string, form: Form): Asked => ({
    path: address,
    body: { model, ...body, stream: form === 'stream' },
  });

/** How a caller of each format asks for either form. */
const FORMATS: Readonly<Partial<Record<DialectId, (model: string, form: Form) => Asked>>> = {
  'openai-chat': inBody('/v1/chat/completions', { messages: [QUESTION] }),
  'openai-responses': inBody('/v1/responses', { input: 'Hi' }),
  'anthropic-messages': inBody('/v1/messages', { max_tokens: 9, messages: [QUESTION] }),
  'cohere-chat': inBody('/v2/chat', { messages: [QUESTION] }),
  gemini: (model, form) => ({
    path: `/v1beta/models/${encodeURIComponent(model)}:${form === 'stream' ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
  }),
  'bedrock-converse': (model, form) => ({
    path: `/model/${encodeURIComponent(model)}/${form === 'stream' ? 'converse-stream' : 'converse'}`,
    body: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
  }),
};

const DIALECT_IDS = Object.keys(FORMATS) as DialectId[];

const dialectOf = (id: DialectId) => {
  const dialect = DIALECTS.find((each) => each.id === id);
  if (dialect === undefined) throw new Error(`There is no dialect ${id}.`);
  return dialect;
};

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function eventsOf(id: DialectId, form: Form, bytes: Buffer): Promise<readonly ChatEvent[]> {
  const dialect = dialectOf(id);
  const frames =
    form === 'stream'
      ? await Array.fromAsync(dialect.decodeStream(only(bytes)))
      : [dialect.decodeAnswer(bytes.toString())];
  return frames.flatMap(({ events }) => events);
}

const FILES = { whole: ['upstream.json'], stream: ['upstream.sse', 'upstream.eventstream'] } as const;

interface Recorded {
  readonly file: string;
  readonly bytes: Buffer;
}

/** The first recording of the form that ends well with a text, and calls no tools; where none is whole, the one of a stream as a whole. */
async function recordingOf(id: DialectId, form: Form): Promise<Recorded> {
  const folder = path.join(FIXTURES, id);
  for (const name of readdirSync(folder).toSorted())
    for (const file of readdirSync(path.join(folder, name))) {
      if (!FILES[form].some((each) => each === file)) continue;
      const bytes = readFileSync(path.join(folder, name, file));
      const events = await eventsOf(id, form, bytes);
      const isPlain = events.every(
        (event) => event.type !== 'tool-call-start' && (event.type !== 'finish' || event.reason === 'stop'),
      );
      if (isPlain && textOf(events).length > 1 && events.at(-1)?.type === 'end') return { file, bytes };
    }
  if (form === 'stream') throw new Error(`No stream was recorded of ${id}.`);
  const events = await eventsOf(id, 'stream', (await recordingOf(id, 'stream')).bytes);
  const envelope = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
  return { file: 'upstream.json', bytes: Buffer.from(dialectOf(id).encodeAnswer(events, envelope)) };
}

const textOf = (events: readonly ChatEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');

let gateway: LocalGateway;
let upstream: RecordedUpstream;

beforeAll(async () => {
  upstream = await startRecordedUpstream();
  const providers = new Map(
    DIALECT_IDS.map((dialect) => [
      dialect,
      {
        name: dialect,
        provider: { ...CUSTOM, id: providerId(dialect), apis: [{ dialect, path: () => '/' }] as const },
        baseUrl: upstream.url,
      },
    ]),
  );
  gateway = await startLocalGateway({ gateway: { providers } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function asked(id: DialectId, form: Form, secret: string, edit = (address: string) => address) {
  const { path: address, body } = FORMATS[id]?.(`${id}/m`, form) ?? { path: '', body: {} };
  const response = await fetch(gateway.url + edit(address), {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'x-sluice-cache': 'exact' },
    body: JSON.stringify(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { response, bytes, cache: response.headers.get('x-sluice-cache') };
}

/** Has an answer of this form made and kept. @returns its text */
async function keep(id: DialectId, form: Form, secret: string): Promise<string> {
  const { file, bytes } = await recordingOf(id, form);
  upstream.answerWith({
    name: id,
    status: 200,
    contentType: file.endsWith('eventstream')
      ? 'application/vnd.amazon.eventstream'
      : form === 'stream'
        ? 'text/event-stream'
        : 'application/json',
    headers: {},
    bytes,
    isStream: form === 'stream',
    isCut: false,
  });
  expect((await asked(id, form, secret)).cache).toBe('miss');
  await until('the answer is kept', async () => (await asked(id, form, secret)).cache === 'hit');
  return textOf(await eventsOf(id, form, bytes));
}

const FORMS: readonly Form[] = ['whole', 'stream'];

describe('an answer in its own format', () => {
  test.each(
    DIALECT_IDS.flatMap((id) => FORMS.flatMap((made) => FORMS.map((wanted) => [id, made, wanted] as const))),
  )('%s: kept %s, is given as %s', async (id, made, wanted) => {
    const { secret } = await gateway.createKey();
    const text = await keep(id, made, secret);
    const { response, bytes, cache } = await asked(id, wanted, secret);
    expect([response.status, cache]).toEqual([200, 'hit']);
    const events = await eventsOf(id, wanted, bytes);
    expect(textOf(events)).toBe(text);
    expect(events.at(-1)?.type).toBe('end');
  });

  test.each(FORMS)(
    'of the Responses API, given again as %s, is found by the id that it has now',
    async (wanted) => {
      const { secret } = await gateway.createKey();
      const text = await keep('openai-responses', 'whole', secret);
      const { response, cache } = await asked('openai-responses', wanted, secret);
      expect(cache).toBe('hit');
      const stored = await fetch(`${gateway.url}/v1/responses/${response.headers.get('x-request-id')}`, {
        headers: { authorization: `Bearer ${secret}` },
      });
      expect(stored.status).toBe(200);
      const bytes = Buffer.from(await stored.arrayBuffer());
      expect(textOf(await eventsOf('openai-responses', 'whole', bytes))).toBe(text);
    },
  );

  test.each(FORMS)('of Google’s, kept %s, is given as one list', async (made) => {
    const { secret } = await gateway.createKey();
    const text = await keep('gemini', made, secret);
    const { bytes, cache } = await asked('gemini', 'stream', secret, (address) =>
      address.replace('?alt=sse', ''),
    );
    expect(cache).toBe('hit');
    const list = JSON.parse(bytes.toString()) as readonly object[];
    const events = `${list.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join('')}`;
    expect(textOf(await eventsOf('gemini', 'stream', Buffer.from(events)))).toBe(text);
  });
});
