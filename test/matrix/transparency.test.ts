import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeMessage } from '../../lambda/dialects/event-stream.ts';
import { type Matrix, startMatrix } from './matrix.ts';
import { MATRIX_DIALECTS, type MatrixDialect, recordedAnswer } from './scenarios.ts';

let matrix: Matrix;

beforeAll(async () => {
  matrix = await startMatrix();
});
afterAll(() => matrix.close());

/** A number that no double holds: who reads and writes it again is found out. */
const EXACT = '12345678901234567890.10';
const UNKNOWN_FIELD = `"x_unheard_of":{"exact":${EXACT},"b":null,"a":"\\u00e9"}`;

interface Spoken {
  path(model: string, stream: boolean): string;
  /** The least that can be asked, with a field nobody knows. */
  body(model: string, stream: boolean): string;
  /** A piece of a stream of a kind that nobody knows, as it stands on the wire. */
  readonly unknownPiece: string;
}

const event = (type: string): string => `event: ${type}\ndata: {"type":"${type}",${UNKNOWN_FIELD}}\n\n`;
const turn = '{"role":"user","content":"Hello"}';

const SPOKEN: Readonly<Record<MatrixDialect, Spoken>> = {
  'openai-chat': {
    path: () => '/v1/chat/completions',
    body: (model, stream) => `{"model":"${model}","stream":${stream},"x_new":${EXACT},"messages":[${turn}]}`,
    unknownPiece: `data: {"object":"unheard.of","choices":[],${UNKNOWN_FIELD}}\n\n`,
  },
  'openai-responses': {
    path: () => '/v1/responses',
    body: (model, stream) => `{"model":"${model}","stream":${stream},"x_new":${EXACT},"input":[${turn}]}`,
    unknownPiece: event('response.unheard_of'),
  },
  'anthropic-messages': {
    path: () => '/v1/messages',
    body: (model, stream) =>
      `{"model":"${model}","stream":${stream},"max_tokens":99,"x_new":${EXACT},"messages":[${turn}]}`,
    unknownPiece: event('unheard_of'),
  },
  gemini: {
    path: (model, stream) =>
      `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: () => `{"x_new":${EXACT},"contents":[{"role":"user","parts":[{"text":"Hello"}]}]}`,
    unknownPiece: `data: {${UNKNOWN_FIELD}}\r\n\r\n`,
  },
  'bedrock-converse': {
    path: (model, stream) => `/model/${encodeURIComponent(model)}/${stream ? 'converse-stream' : 'converse'}`,
    body: () => `{"x_new":${EXACT},"messages":[{"role":"user","content":[{"text":"Hello"}]}]}`,
    unknownPiece: encodeMessage(
      { ':event-type': 'unheardOf', ':content-type': 'application/json', ':message-type': 'event' },
      `{${UNKNOWN_FIELD}}`,
    ),
  },
  'cohere-chat': {
    path: () => '/v2/chat',
    body: (model, stream) => `{"model":"${model}","stream":${stream},"x_new":${EXACT},"messages":[${turn}]}`,
    unknownPiece: event('unheard-of'),
  },
};

/** Puts a piece before the last pieces of a stream, where its answer is under way. */
function withPiece(stream: string, piece: string, dialect: MatrixDialect): string {
  if (dialect === 'bedrock-converse') {
    const length = Buffer.from(stream, 'latin1').readUInt32BE(0);
    return stream.slice(0, length) + piece + stream.slice(length);
  }
  const pieces = stream.split(/(?<=\n\n|\r\n\r\n)/);
  return [...pieces.slice(0, 2), piece, ...pieces.slice(2)].join('');
}

describe.each(MATRIX_DIALECTS)('between a caller and a provider of %s', (dialect) => {
  const { path, body, unknownPiece } = SPOKEN[dialect];
  const model = `speaks-${dialect}/model-x`;
  const ask = async (stream: boolean): Promise<string> => {
    const response = await fetch(matrix.url + path(model, stream), {
      method: 'POST',
      headers: { authorization: `Bearer ${matrix.key}`, 'content-type': 'application/json' },
      body: body(model, stream),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-dropped')).toBeNull();
    return Buffer.from(await response.arrayBuffer()).toString('latin1');
  };

  test('fields that nobody knows reach the provider as they were written', async () => {
    matrix.answerWith(await recordedAnswer(dialect, 'text'));
    await ask(false);
    expect(matrix.asked?.body).toContain(`"x_new":${EXACT}`);
  });

  test('fields that nobody knows reach the caller of a whole answer as they were written', async () => {
    const answer = await recordedAnswer(dialect, 'text');
    const bytes = Buffer.from(answer.bytes.toString('latin1').replace('{', `{${UNKNOWN_FIELD},`), 'latin1');
    matrix.answerWith({ ...answer, bytes });
    expect(await ask(false)).toContain(UNKNOWN_FIELD);
  });

  test('pieces of a kind that nobody knows reach the caller of a stream as they were written', async () => {
    const answer = await recordedAnswer(dialect, 'stream');
    const stream = withPiece(answer.bytes.toString('latin1'), unknownPiece, dialect);
    matrix.answerWith({ ...answer, bytes: Buffer.from(stream, 'latin1') });
    expect(await ask(true)).toContain(unknownPiece);
  });
});
