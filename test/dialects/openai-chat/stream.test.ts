import { describe, expect, test } from '@jest/globals';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, textOf } from '../recordings.ts';
import { chunk, delta, framesOf } from './recordings.ts';

const DONE = 'data: [DONE]\n\n';
const COST = { total: nanoUsd(350n), prompt: nanoUsd(50n), completion: nanoUsd(300n) };
const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'openai/gpt-5',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

async function decode(...chunks: readonly string[]): Promise<ChatEvent[]> {
  const events = eventsOf(await framesOf(chunks.join('')));
  expect(brokenRules(events)).toEqual([]);
  return events;
}

const tool = (call: object): string => delta({ tool_calls: [call as never] });

describe('tool calls', () => {
  test('are told apart by index when their pieces interleave', async () => {
    const events = await decode(
      tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } }),
      tool({ index: 1, id: 'b', function: { name: 'g', arguments: '{' } }),
      tool({ index: 0, function: { arguments: ':1}' } }),
      tool({ index: 1, function: { arguments: '}' } }),
      delta({}, 'tool_calls'),
      DONE,
    );
    expect(callsOf(events)).toMatchObject([
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'g', arguments: '{}' },
    ]);
  });

  test.each([
    ['no index', [{ id: 'a', function: { name: 'f', arguments: '{' } }, { function: { arguments: '}' } }]],
    [
      'no index and the id repeated',
      [
        { id: 'a', function: { name: 'f', arguments: '{' } },
        { id: 'a', function: { arguments: '}' } },
      ],
    ],
    [
      'id and name repeated',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
        { index: 0, id: 'a', function: { name: 'f', arguments: '}' } },
      ],
    ],
    [
      'a new id in each piece',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{' } },
        { index: 0, id: 'z', function: { arguments: '}' } },
      ],
    ],
    [
      'the name after the id',
      [
        { index: 3, id: 'a', function: { arguments: '' } },
        { index: 3, function: { name: 'f', arguments: '{}' } },
      ],
    ],
    ['arguments that are an object', [{ index: 0, id: 'a', function: { name: 'f', arguments: {} } }]],
  ])('with %s are one call', async (_case, pieces) => {
    const events = await decode(...pieces.map(tool), delta({}, 'tool_calls'), DONE);
    expect(callsOf(events)).toMatchObject([{ id: 'a', name: 'f', arguments: '{}' }]);
  });

  test.each([
    [
      'index 0 again with a new id',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } },
        { index: 0, id: 'b', function: { name: 'f', arguments: '{}' } },
      ],
    ],
    [
      'only ids',
      [
        { id: 'a', function: { name: 'f', arguments: '{}' } },
        { id: 'b', function: { name: 'f', arguments: '{}' } },
      ],
    ],
  ])('with %s are two calls', async (_case, pieces) => {
    const events = await decode(...pieces.map(tool), delta({}, 'stop'), DONE);
    expect(callsOf(events).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({
      reason: 'tool-calls',
      upstreamReason: 'stop',
    });
  });

  test('without ids get ids that differ', async () => {
    const events = await decode(
      tool({ function: { name: 'f', arguments: '{"a":1}' } }),
      tool({ function: { name: 'f', arguments: '{"a":2}' } }),
      delta({}, 'tool_calls'),
      DONE,
    );
    expect(callsOf(events).map(({ id }) => id)).toEqual(['call_chatcmpl-1_0_0', 'call_chatcmpl-1_0_1']);
  });

  test('of the legacy kind are calls too', async () => {
    const events = await decode(
      delta({ function_call: { name: 'f', arguments: '' } }),
      delta({ function_call: { arguments: '{}' } }),
      delta({}, 'function_call'),
      DONE,
    );
    expect(callsOf(events)).toMatchObject([{ name: 'f', arguments: '{}' }]);
  });

  test('of the custom kind keep their free text', async () => {
    const events = await decode(
      tool({ index: 0, id: 'a', type: 'custom', custom: { name: 'sql', input: '' } }),
      tool({ index: 0, custom: { input: 'SELECT {' } }),
      delta({}, 'tool_calls'),
      DONE,
    );
    expect(callsOf(events)).toMatchObject([{ id: 'a', name: 'sql', arguments: 'SELECT {' }]);
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  test.each(['{"city": "Par', '{"a": [1, 2', '{"a": "x\\"}'])('cut at %j never end well', async (text) => {
    const call = tool({ index: 0, id: 'a', function: { name: 'f', arguments: text } });
    for (const rest of [[], [DONE], [delta({}, 'tool_calls'), DONE], [delta({}, 'stop')]])
      expect((await decode(call, ...rest)).at(-1)).toMatchObject({
        type: 'error',
        error: { code: 'upstream_invalid_response' },
      });
  });

  test('cut by the token limit end with the reason for it', async () => {
    const call = tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{"a' } });
    const events = await decode(call, delta({}, 'length'), DONE);
    expect(events.slice(-2)).toMatchObject([{ type: 'finish', reason: 'length' }, { type: 'end' }]);
  });
});

describe('the end of a stream', () => {
  test('is clean without a terminator once every choice has finished', async () => {
    const frames = await framesOf(delta({ content: 'x' }) + delta({}, 'stop'));
    expect(frames.at(-1)).toMatchObject({ raw: undefined });
    expect(eventsOf(frames).at(-1)).toEqual({ type: 'end' });
    expect(frames.map((frame) => openaiChat.patchFrame(frame, ENVELOPE)).at(-1)).toBe(DONE);
  });

  test.each([
    ['nothing at all', ''],
    ['only comments', ': hello\n\n'],
    ['text without a finish', delta({ content: 'x' })],
    ['a chunk that is cut', `${delta({ content: 'x' })}data: {"choi`],
    ['a page of HTML', '<html><body>502</body></html>'],
    ['no choice before the terminator', DONE],
  ])('is an error after %s', async (_case, stream) => {
    expect((await decode(stream)).at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'upstream_invalid_response', status: undefined },
    });
  });

  test('is an error when one of two choices has not finished', async () => {
    const second = chunk({ choices: [{ index: 1, delta: { content: 'y' } }] });
    expect((await decode(delta({ content: 'x' }, 'stop'), second)).at(-1)?.type).toBe('error');
  });

  test('comes once, whatever follows it', async () => {
    const frames = await framesOf(delta({ content: 'x' }, 'stop') + DONE + delta({ content: 'y' }) + DONE);
    expect(frames).toHaveLength(2);
  });

  test('takes usage that comes after the finish', async () => {
    const events = await decode(
      delta({ content: 'x' }, 'stop', { usage: null }),
      chunk({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 1 } }),
      DONE,
    );
    expect(events).toContainEqual({ type: 'usage', usage: { promptTokens: 3, completionTokens: 1 } });
  });

  test('passes on what reading the bytes throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(delta({ content: 'x' }));
      throw new Error('reset');
    }
    await expect(Array.fromAsync(openaiChat.decodeStream(broken()))).rejects.toThrow('reset');
  });
});

describe('errors in a stream', () => {
  test.each([
    [{ error: { message: 'slow down', code: 429 } }, 'rate_limit_exceeded', 'slow down'],
    [{ error: { message: 'boom', type: 'server_error' }, choices: [] }, 'upstream_error', 'boom'],
    [{ error: 'plain' }, 'upstream_error', 'plain'],
    [{ object: 'error', message: 'too long', code: 400 }, 'invalid_request', 'too long'],
    [{ choices: [{ index: 0, error: { message: 'gone', code: 503 } }] }, 'upstream_overloaded', 'gone'],
    [
      { choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
      'upstream_error',
      'The provider reported an error.',
    ],
  ])('such as %j end it', async (body, code, message) => {
    const events = await decode(delta({ content: 'x' }), chunk(body), DONE);
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code, message } });
  });

  test('reach a caller of the same dialect as one chunk with choices', async () => {
    const frames = await framesOf(
      `event: error\ndata: {"error":{"message":"no","code":"tool_use_failed"}}\n\n`,
    );
    const text = frames.map((frame) => openaiChat.patchFrame(frame, ENVELOPE)).join('');
    expect(JSON.parse(text.slice(6))).toMatchObject({
      id: 'gen-1',
      error: { message: 'no', type: 'server_error', code: 'upstream_invalid_response' },
      choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
    });
  });
});

describe('parts of an answer', () => {
  test('are blocks in the order in which they begin', async () => {
    const events = await decode(
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'hm' }),
      delta({ content: 'Hi' }),
      delta({ refusal: 'no' }),
      delta({}, 'stop'),
      DONE,
    );
    expect(events.map((event) => ('block' in event ? `${event.type} ${event.block}` : event.type))).toEqual([
      'answer-start',
      'reasoning-start 0',
      'reasoning-delta 0',
      'block-end 0',
      'text-start 1',
      'text-delta 1',
      'block-end 1',
      'refusal-start 2',
      'refusal-delta 2',
      'block-end 2',
      'finish',
      'end',
    ]);
  });

  test('of reasoning are read once where two fields say the same', async () => {
    const details = [{ type: 'reasoning.text', text: 'hm', index: 0 }];
    const events = await decode(
      delta({ reasoning: 'hm', reasoning_content: 'hm', reasoning_details: details }),
      delta({ reasoning_details: [{ type: 'reasoning.text', signature: 'SIG', index: 0 }] }),
      delta({ content: 'x' }, 'stop'),
      DONE,
    );
    expect(textOf(events, 'reasoning-delta')).toBe('hm');
    expect(events).toContainEqual({ type: 'block-signature', signature: 'SIG', choice: 0, block: 0 });
  });

  test('that are a refusal alone finish as one', async () => {
    const events = await decode(delta({ refusal: 'I cannot.' }), delta({}, 'stop'), DONE);
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({ reason: 'refusal' });
  });

  test('keep log probabilities, sources, sounds and pictures', async () => {
    const logprobs = { content: [{ token: 'x', logprob: -0.1 }], refusal: null };
    const citation = { type: 'url_citation', url_citation: { url: 'https://a.example' } };
    const events = await decode(
      chunk({ choices: [{ index: 0, delta: { content: 'x' }, logprobs }] }),
      delta({ annotations: [citation] }),
      delta({ audio: { id: 'audio_1', data: 'QUJD', transcript: 'y' } }),
      delta({ images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } }] }),
      delta({}, 'stop'),
      DONE,
    );
    expect(events).toContainEqual({ type: 'text-delta', text: 'x', logprobs, choice: 0, block: 0 });
    expect(events).toContainEqual({
      type: 'text-citation',
      dialect: 'openai-chat',
      citation,
      choice: 0,
      block: 0,
    });
    expect(textOf(events, 'text-delta')).toBe('xy');
    expect(events.filter(({ type }) => type === 'media-start')).toMatchObject([
      { kind: 'audio' },
      { kind: 'image', mediaType: 'image/png' },
    ]);
  });
});

describe('usage', () => {
  const usage = async (wire: object): Promise<unknown> => {
    const events = await decode(delta({ content: 'x' }, 'stop', { usage: wire as never }), DONE);
    return events.flatMap((event) => (event.type === 'usage' ? [event.usage] : []))[0];
  };

  test('counts reasoning within completion where the total shows it apart', async () => {
    const wire = { prompt_tokens: 32, completion_tokens: 9, total_tokens: 135 };
    expect(await usage({ ...wire, completion_tokens_details: { reasoning_tokens: 94 } })).toEqual({
      promptTokens: 32,
      completionTokens: 103,
      reasoningTokens: 94,
    });
  });

  test('stays as it is where reasoning is within completion', async () => {
    const wire = { prompt_tokens: 10, completion_tokens: 100, total_tokens: 110 };
    expect(await usage({ ...wire, completion_tokens_details: { reasoning_tokens: 94 } })).toMatchObject({
      completionTokens: 100,
    });
  });

  test('knows the cache in every spelling', async () => {
    for (const wire of [
      { prompt_tokens_details: { cached_tokens: 5 } },
      { prompt_cache_hit_tokens: 5, prompt_cache_miss_tokens: 1 },
      { cached_tokens: 5 },
      { cache_read_input_tokens: 5 },
    ])
      expect(await usage(wire)).toEqual({ cacheReadTokens: 5 });
  });

  test('leaves unknown what is not a count', async () => {
    const wire = { prompt_tokens: 3, completion_tokens: null, prompt_tokens_details: { cached_tokens: -1 } };
    expect(await usage(wire)).toEqual({ promptTokens: 3 });
  });

  test('is found where Groq puts it', async () => {
    const events = await decode(delta({}, 'stop', { x_groq: { usage: { prompt_tokens: 7 } } }), DONE);
    expect(events).toContainEqual({ type: 'usage', usage: { promptTokens: 7 } });
  });
});

describe('patchFrame', () => {
  const raw = 'data: {"id":"a","choices":[],"seed":15092511270073158000,"usage":{"prompt_tokens":1}}\n\n';
  const events: ChatEvent[] = [{ type: 'usage', usage: { promptTokens: 1 }, cost: COST }];

  test('adds the cost as a plain decimal and leaves all else as it stood', () => {
    expect(openaiChat.patchFrame({ raw, events }, ENVELOPE)).toBe(
      'data: {"id":"gen-1","choices":[],"seed":15092511270073158000,"usage":{"cost":0.00000035,' +
        '"cost_details":{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.00000005,' +
        '"upstream_inference_completions_cost":0.0000003},"prompt_tokens":1}}\n\n',
    );
  });

  test('leaves a chunk of nothing but usage out unless it was asked for', () => {
    expect(openaiChat.patchFrame({ raw, events }, { ...ENVELOPE, includeUsage: false })).toBe('');
  });

  test('lets comments, blank lines and chunks without names through', () => {
    for (const other of [': ping\n\n', '\n', 'data: {"object":"x"}\n\n'])
      expect(openaiChat.patchFrame({ raw: other, events: [] }, ENVELOPE)).toBe(other);
  });
});
