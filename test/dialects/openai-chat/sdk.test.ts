import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { ERROR_KINDS, GatewayError } from '../../../lambda/domain/errors.ts';
import { parseJsonObject } from '../../../lambda/domain/json.ts';
import {
  type Asked,
  closeServers,
  type Reply,
  startAnsweringServer,
} from '../../support/answering-server.ts';

/** A gateway of one dialect: decodes what the official SDK sends, and answers with what it is told. */

const ENVELOPE: AnswerEnvelope = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const at = { choice: 0, block: 0 };
const ANSWER: readonly ChatEvent[] = [
  { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
  { type: 'refusal-start', ...at },
  { type: 'refusal-delta', text: 'No.', ...at },
  { type: 'block-end', ...at },
  { type: 'finish', choice: 0, reason: 'refusal', upstreamReason: undefined },
  { type: 'end' },
];

let client: OpenAI;
let received: ChatRequest | undefined;
let refusal: GatewayError | undefined;

beforeAll(async () => {
  const { url } = await startAnsweringServer(respond);
  client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 });
});
afterAll(closeServers);

function respond({ body }: Asked): Reply {
  try {
    if (refusal !== undefined) throw refusal;
    received = openaiChat.decodeRequest(parseJsonObject(body) ?? {});
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { status: error.status, headers: JSON_TYPE, body: openaiChat.encodeError(error, 'req-1') };
  }
  if (!received.stream)
    return { status: 200, headers: JSON_TYPE, body: openaiChat.encodeAnswer(ANSWER, ENVELOPE) };
  const encoder = openaiChat.createStreamEncoder(ENVELOPE);
  return {
    status: 200,
    headers: { 'content-type': openaiChat.streamContentType },
    body: ANSWER.map((event) => encoder.encode(event)).join(''),
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

const MESSAGES = [{ role: 'user', content: 'x' }] as const;

describe('the official SDK', () => {
  test('writes requests of every kind of content that are understood', async () => {
    await client.chat.completions.create({
      model: 'm',
      messages: [
        { role: 'developer', content: 'Be brief.', name: 'dev' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=', detail: 'low' } },
            { type: 'input_audio', input_audio: { data: 'aGk=', format: 'mp3' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' } },
          ],
        },
        {
          role: 'assistant',
          content: [{ type: 'refusal', refusal: 'No.' }],
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
            { id: 'b', type: 'custom', custom: { name: 'g', input: 'free' } },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'one' }] },
        { role: 'tool', tool_call_id: 'b', content: 'two' },
      ],
      tools: [
        { type: 'function', function: { name: 'f', strict: true, parameters: { type: 'object' } } },
        { type: 'custom', custom: { name: 'g', format: { type: 'text' } } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {}, strict: true } },
      reasoning_effort: 'low',
      verbosity: 'low',
      service_tier: 'flex',
      max_completion_tokens: 5,
      logprobs: true,
      top_logprobs: 2,
      n: 2,
      stop: ['a'],
      store: false,
      safety_identifier: 's',
      prediction: { type: 'content', content: 'p' },
      modalities: ['text'],
    });
    expect(received).toMatchObject({
      messages: [
        { role: 'developer', name: 'dev' },
        {
          role: 'user',
          content: [
            { type: 'text' },
            { type: 'image', detail: 'low' },
            { type: 'audio', source: { mediaType: 'audio/mp3' } },
            { type: 'file', name: 'a.pdf' },
          ],
        },
        {
          role: 'assistant',
          content: [{ type: 'refusal' }, { type: 'tool-call' }, { type: 'tool-call', kind: 'custom' }],
        },
        {
          role: 'user',
          content: [
            { type: 'tool-result', callId: 'a' },
            { type: 'tool-result', callId: 'b' },
          ],
        },
      ],
      tools: [{ type: 'function', strict: true }, { type: 'custom' }],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      responseFormat: { type: 'json-schema', strict: true },
      reasoning: { effort: 'low', enabled: true },
      choices: 2,
      maxOutputTokens: 5,
      nativeOptions: { store: false, safety_identifier: 's', prediction: { type: 'content', content: 'p' } },
      unknownFields: [],
    });
    expect(received?.nativeOptions).not.toHaveProperty('modalities');
  });

  test('reads refusals, whole and streamed', async () => {
    const whole = await client.chat.completions.create({ model: 'm', messages: [...MESSAGES] });
    const streamed = await client.chat.completions
      .stream({ model: 'm', messages: [...MESSAGES] })
      .finalChatCompletion();
    for (const completion of [whole, streamed])
      expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { refusal: 'No.' } });
  });

  test.each([
    ['rate_limit_exceeded', OpenAI.RateLimitError],
    ['invalid_request', OpenAI.BadRequestError],
    ['authentication_failed', OpenAI.AuthenticationError],
    ['model_not_found', OpenAI.NotFoundError],
    ['upstream_overloaded', OpenAI.InternalServerError],
  ] as const)('throws its own error for %s', async (code, expected) => {
    refusal = new GatewayError(code, 'Why.', { param: 'p' });
    const asked = client.chat.completions.create({ model: 'm', messages: [...MESSAGES] });
    await expect(asked).rejects.toBeInstanceOf(expected);
    await expect(asked).rejects.toMatchObject({
      code,
      param: 'p',
      error: { message: 'Why.', metadata: { request_id: 'req-1', retryable: ERROR_KINDS[code].retryable } },
    });
    refusal = undefined;
  });
});
