import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DialectId } from '../../lambda/dialects/dialect.ts';
import { decodeMessage } from '../../lambda/dialects/event-stream.ts';
import { DIALECTS } from '../../lambda/dialects/registry.ts';
import { providerId } from '../../lambda/domain/ids.ts';
import { CUSTOM } from '../../lambda/providers/custom/provider.ts';
import { type RecordedUpstream, startRecordedUpstream } from '../matrix/recorded-upstream.ts';
import { type LocalGateway, startLocalGateway } from '../support/local-gateway.ts';

/** Streams between a caller and a provider of one format: not a chunk more than the provider sent, and not one less. */

const FIXTURES = path.join(import.meta.dirname, '../fixtures');

const FORMATS: Readonly<
  Partial<Record<DialectId, { readonly path: string; readonly body: Readonly<Record<string, unknown>> }>>
> = {
  'openai-chat': {
    path: '/v1/chat/completions',
    body: {
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Hi' }],
    },
  },
  'openai-completions': {
    path: '/v1/completions',
    body: { stream: true, stream_options: { include_usage: true }, prompt: 'Hi' },
  },
  'openai-responses': { path: '/v1/responses', body: { stream: true, input: 'Hi' } },
  'anthropic-messages': {
    path: '/v1/messages',
    body: { stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
  },
  gemini: {
    path: '/v1beta/models/p%2Fm:streamGenerateContent?alt=sse',
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
  },
  'bedrock-converse': {
    path: '/model/p%2Fm/converse-stream',
    body: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
  },
  'cohere-chat': { path: '/v2/chat', body: { stream: true, messages: [{ role: 'user', content: 'Hi' }] } },
};

interface RecordedStream {
  readonly dialect: DialectId;
  readonly name: string;
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** Two answers, one behind the other: a call has one, so that nothing after the first is read. */
const TWO_ANSWERS = 'anthropic-tool-search-regex.1-stream';

const STREAMS: readonly RecordedStream[] = Object.keys(FORMATS).flatMap((folder) =>
  readdirSync(path.join(FIXTURES, folder)).flatMap((name) => {
    const file = ['upstream.sse', 'upstream.eventstream']
      .map((each) => path.join(FIXTURES, folder, name, each))
      .find((each) => existsSync(each));
    if (file === undefined || name === TWO_ANSWERS) return [];
    // The folders that are read are named as the formats above.
    const dialect = folder as DialectId;
    return [{ dialect, name, bytes: readFileSync(file), isBinary: file.endsWith('eventstream') }];
  }),
);

/** The chunks of a stream, comments left out. */
function chunksOf(bytes: Buffer, isBinary: boolean): readonly string[] {
  if (isBinary) return messagesOf(bytes);
  return bytes
    .toString()
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((block) => block.trim())
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => /^data: ?(.*)$/m.exec(block)?.[1] ?? block);
}

function messagesOf(bytes: Buffer): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const { headers, payload } = decodeMessage(bytes.subarray(at, at + bytes.readUInt32BE(at)));
    messages.push(String(headers.get(':event-type')) + Buffer.from(payload).toString());
  }
  return messages;
}

let gateway: LocalGateway;
let upstream: RecordedUpstream;
let secret: string;

beforeAll(async () => {
  upstream = await startRecordedUpstream();
  const providers = new Map(
    Object.keys(FORMATS).map((dialect) => [
      dialect,
      {
        name: dialect,
        // The keys of the formats are dialects.
        provider: {
          ...CUSTOM,
          id: providerId(dialect),
          apis: [{ dialect: dialect as DialectId, path: () => '/' }] as const,
        },
        baseUrl: upstream.url,
      },
    ]),
  );
  gateway = await startLocalGateway({ gateway: { providers } });
  ({ secret } = await gateway.createKey());
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function endsWell({ dialect, bytes }: RecordedStream): Promise<boolean> {
  const spoken = DIALECTS.find(({ id }) => id === dialect);
  const frames = await Array.fromAsync(spoken?.decodeStream(only(bytes)) ?? []);
  return frames.at(-1)?.events.at(-1)?.type === 'end';
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('between a caller and a provider of one format', () => {
  test.each(STREAMS)('a stream of $dialect passes chunk by chunk: $name', async (stream) => {
    if (!(await endsWell(stream))) return;
    const { dialect, bytes, isBinary } = stream;
    upstream.answerWith({
      name: stream.name,
      status: 200,
      contentType: isBinary ? 'application/vnd.amazon.eventstream' : 'text/event-stream',
      headers: {},
      bytes,
      isStream: true,
      isCut: false,
    });
    const format = FORMATS[dialect];
    const response = await fetch(gateway.url + (format?.path ?? '').replace('p%2Fm', `${dialect}%2Fm`), {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ model: `${dialect}/m`, ...format?.body }),
    });
    const sent = chunksOf(bytes, isBinary);
    const came = chunksOf(Buffer.from(await response.arrayBuffer()), isBinary);
    // A terminator that the provider left out is added.
    const isUnended = dialect.startsWith('openai-c') && sent.at(-1) !== '[DONE]';
    expect(came.length).toBe(sent.length + (isUnended ? 1 : 0));
    expect(came.slice(0, sent.length).map(shape)).toEqual(sent.map(shape));
  });
});

/** What a chunk says, but for the gateway's own name and what it counts. */
const shape = (chunk: string): string =>
  chunk
    .replaceAll(/"(?:id|model|responseId|modelVersion)" ?: ?(?:"[^"]*"|null)/g, '')
    .replaceAll(/,?"(?:cost|cost_details)":(?:[\d.e-]+|\{[^}]*\}),?/g, '')
    .replaceAll(/[\s,]/g, '');
