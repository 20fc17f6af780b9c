import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI, { toFile } from 'openai';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: OpenAI;

/** Bytes of every value, boundaries and line ends among them. */
const SOUND = Buffer.concat([
  Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 11) % 256)),
  Buffer.from('\r\n--not-a-boundary\r\n'),
]);
const TOKENS = {
  type: 'tokens',
  input_tokens: 14,
  input_token_details: { text_tokens: 0, audio_tokens: 14 },
  output_tokens: 45,
  total_tokens: 59,
};

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = () => ({
    body: JSON.stringify({ text: 'Hello.', usage: { type: 'duration', seconds: 9 } }),
  });
});

const file = () => toFile(SOUND, 'a.mp3', { type: 'audio/mpeg' });

/** A form as a provider reads it. */
const formSeen = async (): Promise<FormData> => {
  const [request] = gateway.upstream.requests;
  const headers = { 'content-type': request?.headers['content-type'] ?? '' };
  return new Response(request && new Uint8Array(request.bytes), { headers }).formData();
};

describe('the OpenAI SDK', () => {
  test('has a file written down, whose bytes arrive as they were', async () => {
    const { data, response } = await client.audio.transcriptions
      .create({ model: 'openai/listener', file: await file(), language: 'en', prompt: 'Wörter' })
      .withResponse();
    expect(data.text).toBe('Hello.');
    expect(data.usage).toMatchObject({ type: 'duration', seconds: 9, cost: 0.0009 });
    expect(gateway.upstream.requests[0]?.path).toBe('/audio/transcriptions');
    const form = await formSeen();
    expect([...form.keys()].toSorted()).toEqual(['file', 'language', 'model', 'prompt']);
    expect([form.get('model'), form.get('language'), form.get('prompt')]).toEqual([
      'listener',
      'en',
      'Wörter',
    ]);
    const sent = form.get('file');
    if (!(sent instanceof File)) throw new Error('No file arrived.');
    expect([sent.name, sent.type]).toEqual(['a.mp3', 'audio/mpeg']);
    expect(Buffer.from(await sent.arrayBuffer()).equals(SOUND)).toBe(true);
    expect(await gateway.record(response)).toMatchObject({
      dialect: 'openai-transcriptions',
      usage: { audioSeconds: 9 },
      cost: nanoFromUsd('0.0009'),
      chargeBasis: 'exact',
    });
  });

  test('pays for tokens where the model counts those', async () => {
    gateway.upstream.answer = () => ({ body: JSON.stringify({ text: 'Hello.', usage: TOKENS }) });
    const { response } = await client.audio.transcriptions
      .create({ model: 'openai/token-listener', file: await file() })
      .withResponse();
    // 14 × $6 and 45 × $10 a million.
    expect(await gateway.record(response)).toMatchObject({
      usage: { promptTokens: 14, promptAudioTokens: 14, completionTokens: 45 },
      cost: nanoFromUsd('0.000534'),
      boundExceeded: false,
    });
  });

  test('gets a verbose answer, charged by its duration', async () => {
    gateway.upstream.answer = () => ({
      body: '{"duration":8.470000267028809,"text":"Hello.","segments":[]}',
    });
    const { data, response } = await client.audio.transcriptions
      .create({ model: 'openai/listener', file: await file(), response_format: 'verbose_json' })
      .withResponse();
    expect(data.duration).toBe(8.470000267028809);
    expect(await gateway.record(response)).toMatchObject({
      usage: { audioSeconds: 9 },
      chargeBasis: 'exact',
    });
  });

  test.each(['text', 'srt', 'vtt'] as const)('gets %s as it came', async (format) => {
    const text = '1\n00:00:00,000 --> 00:00:08,470\nHello.\n';
    gateway.upstream.answer = () => ({ contentType: 'text/plain; charset=utf-8', body: text });
    const { data, response } = await client.audio.transcriptions
      .create({ model: 'openai/listener', file: await file(), response_format: format })
      .withResponse();
    expect(data).toBe(text);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await gateway.record(response)).toMatchObject({
      usage: { audioSeconds: 1, estimated: true },
      chargeBasis: 'estimated',
    });
  });

  test('gets a stream of pieces', async () => {
    const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: [
        event({ type: 'transcript.text.delta', delta: 'Hel' }),
        event({ type: 'transcript.text.delta', delta: 'lo.' }),
        event({ type: 'transcript.text.done', text: 'Hello.', usage: TOKENS }),
      ],
    });
    const stream = await client.audio.transcriptions.create({
      model: 'openai/token-listener',
      file: await file(),
      stream: true,
    });
    const events = [];
    for await (const one of stream) events.push(one);
    expect(events.map(({ type }) => type)).toEqual([
      'transcript.text.delta',
      'transcript.text.delta',
      'transcript.text.done',
    ]);
    expect(events[2]).toMatchObject({ text: 'Hello.', usage: { cost: 0.000534 } });
  });

  test('is told by an error where a stream breaks off', async () => {
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: 'data: {"type":"transcript.text.delta","delta":"Hel"}\n\n',
    });
    const stream = await client.audio.transcriptions.create({
      model: 'openai/token-listener',
      file: await file(),
      stream: true,
    });
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await expect(reading).rejects.toThrow(/ended before/);
  });
});

describe('an Idempotency-Key', () => {
  test('stands for the same form, whatever its boundary', async () => {
    const ask = (sound: File) =>
      client.audio.transcriptions.create(
        { model: 'openai/listener', file: sound },
        { headers: { 'Idempotency-Key': 'the-same-file' } },
      );
    const first = await ask(await file()).withResponse();
    await gateway.record(first.response);
    expect((await ask(await file())).text).toBe('Hello.');
    expect(gateway.upstream.requests).toHaveLength(1);
    const other = client.audio.transcriptions.create(
      { model: 'openai/listener', file: await toFile(Buffer.from('other'), 'a.mp3') },
      { headers: { 'Idempotency-Key': 'the-same-file' } },
    );
    await expect(other).rejects.toMatchObject({ status: 409, code: 'idempotency_conflict' });
  });
});

describe('a form', () => {
  const BOUNDARY = 'a-boundary';
  const post = (body: string | Buffer, contentType = `multipart/form-data; boundary=${BOUNDARY}`) =>
    fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.secret}`, 'content-type': contentType },
      body: new Uint8Array(Buffer.from(body)),
    });
  const part = (head: string, content: string) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
  const FILE = part('name="file"; filename="a.mp3"', 'sound');
  const MODEL = part('name="model"', 'openai/listener');
  const END = `--${BOUNDARY}--\r\n`;

  test('goes on byte for byte but for its model and Sluice’s own fields', async () => {
    const other = part('name="unheard[]"', 'ünknown');
    const sent = `${FILE}${MODEL}${other}${part('name="session_id"', 's')}${END}epilogue`;
    expect((await post(sent)).status).toBe(200);
    const expected = `${FILE}${part('name="model"', 'listener')}${other}${END}epilogue`;
    expect(gateway.upstream.requests[0]?.bytes.toString()).toBe(expected);
  });

  test.each([
    ['without a boundary', FILE + MODEL + END, 'multipart/form-data'],
    ['that is JSON', '{}', 'application/json'],
    ['with a preamble', `preamble\r\n${FILE}${MODEL}${END}`, undefined],
    ['that does not end', FILE + MODEL, undefined],
    ['without a file', MODEL + END, undefined],
    ['with an empty file', part('name="file"; filename="a"', '') + MODEL + END, undefined],
    ['with a field for a file', part('name="file"', 'sound') + MODEL + END, undefined],
    [
      'with a name in two spellings',
      part('name="x"; name*=UTF-8\'\'model', 'dear') + FILE + MODEL + END,
      undefined,
    ],
    ['with a name behind a space', part('name="x"; name ="model"', 'dear') + FILE + MODEL + END, undefined],
    ['with an escaped quote', part('name="x\\"; name=\\"model"', 'dear') + FILE + MODEL + END, undefined],
    ['with a folded head', part('name="x"\r\n ; name="model"', 'dear') + FILE + MODEL + END, undefined],
    [
      'with a head behind a bare line feed',
      part('name="x"\nContent-Disposition: form-data; name="model"', 'dear') + FILE + MODEL + END,
      undefined,
    ],
    [
      'with an encoded part',
      part('name="x"\r\nContent-Transfer-Encoding: base64', 'eA==') + FILE + MODEL + END,
      undefined,
    ],
    [
      'with a boundary behind a bare line feed',
      part('name="x"', `y\n--${BOUNDARY}\nContent-Disposition: form-data; name="model"\n\ndear`) +
        FILE +
        MODEL +
        END,
      undefined,
    ],
    ['with a part behind its end', `${FILE}${MODEL}${END}${MODEL}${END}`, undefined],
    ['without a model', FILE + END, undefined],
    ['with two models', FILE + MODEL + MODEL + END, undefined],
    ['with a part without a name', part('filename="a"', 'x') + FILE + MODEL + END, undefined],
    ['with a part without a head', `--${BOUNDARY}\r\nx\r\n${FILE}${MODEL}${END}`, undefined],
    [
      'with a field that is no UTF-8',
      Buffer.from(`${FILE}${MODEL}${part('name="prompt"', '\xff')}${END}`, 'latin1'),
      undefined,
    ],
  ])('%s is refused', async (_what, body, contentType) => {
    const answer = await post(body, contentType);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request' } });
    expect(gateway.upstream.requests).toHaveLength(0);
  });
});

describe('a hard budget', () => {
  const wave = (seconds: number): Buffer => {
    const head = Buffer.alloc(44);
    head.write('RIFF', 0, 'latin1');
    head.write('WAVEfmt ', 8, 'latin1');
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(8_000, 24);
    head.writeUInt32LE(16_000, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write('data', 36, 'latin1');
    return Buffer.concat([head, Buffer.alloc(seconds * 16_000 - head.length)]);
  };
  const ask = async (usd: number, bytes: Buffer, model = 'openai/listener') => {
    const key = await gateway.createKey({ budgets: [budget(usd)] });
    const form = new FormData();
    form.set('model', model);
    form.set('file', new File([new Uint8Array(bytes)], 'a.wav', { type: 'audio/wav' }));
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}` },
      body: form,
    });
    return { key, answer };
  };

  test('holds as long as an uncompressed file sounds', async () => {
    const refused = await ask(0.000_99, wave(10));
    expect(refused.answer.status).toBe(402);
    expect(await refused.answer.json()).toMatchObject({
      error: { code: 'budget_exceeded', metadata: { estimate_usd: 0.001 } },
    });
    const { key, answer } = await ask(0.001, wave(10));
    expect(answer.status).toBe(200);
    await gateway.record(answer);
    expect(await gateway.counters(key.key)).toMatchObject({
      windows: { total: { committed: 900_000n, spent: 900_000n } },
    });
  });

  test('holds as long as the frames of an MP3 file sound', async () => {
    // MPEG 1, 128 kbit/s, 44,100 Hz: 417 bytes and 1,152 samples a frame; 383 of them sound 10.005 seconds.
    const frame = Buffer.alloc(417);
    frame.set([0xff, 0xfb, 0x90, 0x00]);
    const { answer } = await ask(0.001_09, Buffer.concat(Array.from({ length: 383 }, () => frame)));
    expect(await answer.json()).toMatchObject({ error: { metadata: { estimate_usd: 0.0011 } } });
  });

  test('leaves out the address of another file', async () => {
    const key = await gateway.createKey({ budgets: [budget(5)] });
    const form = new FormData();
    form.set('model', 'openai/listener');
    form.set('file', new File([new Uint8Array(wave(1))], 'a.wav'));
    form.set('url', 'https://example.com/ten-hours.mp3');
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}` },
      body: form,
    });
    expect([answer.status, answer.headers.get('x-sluice-dropped')]).toEqual([200, 'url']);
    expect(gateway.upstream.requests[0]?.bytes.toString()).not.toContain('ten-hours');
  });

  test.each([
    [
      'two formats',
      (sound: Buffer) => Buffer.concat([sound.subarray(0, 36), sound.subarray(12, 36), sound.subarray(36)]),
    ],
    ['no sound', (sound: Buffer) => sound.subarray(0, 36)],
  ])('refuses an uncompressed file with %s', async (_what, made) => {
    const { answer } = await ask(5, made(wave(1)));
    expect(await answer.json()).toMatchObject({ error: { code: 'cost_unbounded' } });
  });

  test('refuses an MP3 file with something between its frames', async () => {
    const frame = Buffer.alloc(417);
    frame.set([0xff, 0xfb, 0x90, 0x00]);
    const { answer } = await ask(5, Buffer.concat([frame, Buffer.from('fLaC'), frame]));
    expect(await answer.json()).toMatchObject({ error: { code: 'cost_unbounded' } });
  });

  test('refuses a file of which only decoding tells how long it sounds', async () => {
    const { answer } = await ask(5, Buffer.alloc(3_000, 1));
    expect(await answer.json()).toMatchObject({ error: { code: 'cost_unbounded' } });
  });

  test('holds a model that counts tokens by all it can read and write', async () => {
    const { answer } = await ask(0.11, Buffer.alloc(3_000, 1), 'openai/token-listener');
    // 16,000 × $6 and 2,000 × $10 a million.
    expect(await answer.json()).toMatchObject({ error: { metadata: { estimate_usd: 0.116 } } });
  });
});
