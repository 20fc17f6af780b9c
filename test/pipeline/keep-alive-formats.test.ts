import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway({ gateway: { pacing: { silenceMs: 60, keepAliveMs: 40 } } });
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());

const MESSAGES = [{ role: 'user', content: 'Hello' }];
const CONTENTS = [{ role: 'user', parts: [{ text: 'Hello' }] }];
const encoded = encodeURIComponent;

/** How a stream is asked for in each format. */
const ASKS = {
  'openai-responses': (model: string) => ['/v1/responses', { model, input: 'Hello', stream: true }],
  gemini: (model: string) => [
    `/v1beta/models/${encoded(model)}:streamGenerateContent?alt=sse`,
    { contents: CONTENTS },
  ],
  'gemini as a list': (model: string) => [
    `/v1beta/models/${encoded(model)}:streamGenerateContent`,
    { contents: CONTENTS },
  ],
  'cohere-chat': (model: string) => ['/v2/chat', { model, messages: MESSAGES, stream: true }],
  'bedrock-converse': (model: string) => [
    `/model/${encoded(model)}/converse-stream`,
    { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] },
  ],
} as const;

type Format = keyof typeof ASKS;

async function ask(
  format: Format,
  model: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const [path, body] = ASKS[format](model);
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner.secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** What each stream begins with while nothing is there to say. */
const SIGNS: Readonly<Partial<Record<Format, RegExp>>> = {
  'openai-responses': /^: /,
  gemini: /^: /,
  'gemini as a list': /^\s+\[/,
  'cohere-chat': /^: /,
};

const FORMATS: readonly Format[] = [
  'openai-responses',
  'gemini',
  'gemini as a list',
  'cohere-chat',
  'bedrock-converse',
];

describe.each(FORMATS)('a provider that is silent for long, towards a caller of %s', (format) => {
  // One that speaks another format: OpenAI speaks two of them.
  const provider = format === 'openai-responses' ? 'anthropic' : 'openai';

  test('is waited for, and its answer comes whole', async () => {
    const { status, text } = await ask(format, `${provider}/mock-l250-c4`);
    expect(status).toBe(200);
    expect(text).toMatch(SIGNS[format] ?? /^/);
    for (const word of mockText(4).trim().split(' ')) expect(text).toContain(word);
    if (format === 'gemini as a list') expect(JSON.parse(text)).toEqual(expect.any(Array));
  });

  test('and then fails for good is told as the format tells it', async () => {
    const { status, text } = await ask(format, `${provider}/mock-l150-e400`);
    expect(FAILED[format].status ?? 200).toBe(status);
    expect(text).toMatch(FAILED[format].text);
    if (format === 'gemini as a list') expect(JSON.parse(text)).toEqual(expect.any(Array));
  });
});

/** Converse has no sign of life: nothing is opened before there is an answer, and a failure keeps its status. */
const FAILED: Readonly<Record<Format, { readonly status?: number; readonly text: RegExp }>> = {
  'openai-responses': { text: /event: response\.created\n[\s\S]*event: response\.failed\n/ },
  gemini: { text: /data: \{"error":/ },
  'gemini as a list': { text: /\{"error":/ },
  'cohere-chat': { text: /"finish_reason":"ERROR"/ },
  'bedrock-converse': { status: 400, text: /"message":/ },
};
