import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI, Type } from '@google/genai';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { errandOf } from '../../../scripts/agents/mock/script.ts';
import { type AgentUpstream, startAgentUpstream } from '../../../scripts/agents/mock/upstream.ts';
import { showFetchAgent } from '../../support/fetch-agent.ts';

const ERRAND = errandOf('1a2b3c4d');
const FINAL = `The shell printed ${ERRAND.mark}.`;
const SCHEMA = {
  type: 'object',
  properties: {
    command: { type: 'string' },
    description: { type: 'string' },
    background: { type: 'boolean' },
  },
  required: ['command', 'description', 'background'],
};
const ARGUMENTS = { command: ERRAND.command, description: 'Prints a line', background: false };

let upstream: AgentUpstream;
beforeAll(async () => {
  upstream = await startAgentUpstream(ERRAND);
});
afterAll(() => upstream.close());

showFetchAgent();

test('the command does not hold what it prints', () => {
  expect(ERRAND.command).not.toContain(ERRAND.mark);
});

describe('the official SDKs read a whole errand from the mock', () => {
  test('OpenAI chat', async () => {
    const { chat } = new OpenAI({ apiKey: 'k', baseURL: `${upstream.url}/v1`, maxRetries: 0 });
    const ask = (messages: OpenAI.ChatCompletionMessageParam[]) =>
      chat.completions
        .stream({
          model: 'm',
          messages,
          stream_options: { include_usage: true },
          tools: [{ type: 'function', function: { name: 'bash', parameters: SCHEMA } }],
        })
        .finalChatCompletion();
    const first = await ask([{ role: 'user', content: 'Run it.' }]);
    const [call] = first.choices[0]?.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('There is no call of a function.');
    expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual(['bash', ARGUMENTS]);
    expect(first.usage).toMatchObject({ prompt_tokens: 1_200, completion_tokens: 40 });
    const second = await ask([
      { role: 'user', content: 'Run it.' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content: ERRAND.mark },
    ]);
    expect(second.choices[0]).toMatchObject({ message: { content: FINAL }, finish_reason: 'stop' });
  });

  test('OpenAI responses, with reasoning that has to come back', async () => {
    const { responses } = new OpenAI({ apiKey: 'k', baseURL: `${upstream.url}/v1`, maxRetries: 0 });
    const ask = (input: OpenAI.Responses.ResponseInput) =>
      responses
        .stream({
          model: 'm',
          input,
          include: ['reasoning.encrypted_content'],
          tools: [{ type: 'function', name: 'exec_command', parameters: SCHEMA, strict: false }],
        })
        .finalResponse();
    const first = await ask([{ role: 'user', content: 'Run it.' }]);
    const call = first.output.find((item) => item.type === 'function_call');
    expect(JSON.parse(call?.arguments ?? '')).toEqual(ARGUMENTS);
    expect(first.usage).toMatchObject({ input_tokens: 1_200, output_tokens: 40 });
    const second = await ask([
      ...first.output,
      { type: 'function_call_output', call_id: call?.call_id ?? '', output: ERRAND.mark },
    ] as OpenAI.Responses.ResponseInput);
    expect(second.output_text).toBe(FINAL);
    expect(upstream.calls.at(-1)).toMatchObject({ hasMark: true, hasProof: true });
  });

  test('Anthropic messages, with thinking that has to come back', async () => {
    const { messages } = new Anthropic({ apiKey: 'k', baseURL: upstream.url, maxRetries: 0 });
    const ask = (conversation: Anthropic.MessageParam[]) =>
      messages
        .stream({
          model: 'm',
          max_tokens: 4_000,
          thinking: { type: 'enabled', budget_tokens: 2_000 },
          messages: conversation,
          tools: [{ name: 'Bash', input_schema: { ...SCHEMA, type: 'object' } }],
        })
        .finalMessage();
    const first = await ask([{ role: 'user', content: 'Run it.' }]);
    expect(first.content.map(({ type }) => type)).toEqual(['thinking', 'tool_use']);
    expect(first.usage).toMatchObject({
      input_tokens: 1_000,
      cache_read_input_tokens: 200,
      output_tokens: 40,
    });
    const call = first.content.find((block) => block.type === 'tool_use');
    expect(call?.input).toEqual(ARGUMENTS);
    const second = await ask([
      { role: 'user', content: 'Run it.' },
      { role: 'assistant', content: first.content },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: call?.id ?? '', content: ERRAND.mark }],
      },
    ]);
    expect(second.content).toMatchObject([{ type: 'text', text: FINAL }]);
    expect(upstream.calls.at(-1)).toMatchObject({ hasMark: true, hasProof: true });
  });

  test('Gemini, with a signed function call that has to come back', async () => {
    const { models } = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: upstream.url } });
    const declaration = {
      name: 'run_shell_command',
      parameters: {
        type: Type.OBJECT,
        properties: { command: { type: Type.STRING } },
        required: ['command'],
      },
    };
    const config = { tools: [{ functionDeclarations: [declaration] }] };
    const first = await models.generateContent({ model: 'm', contents: 'Run it.', config });
    const [part] = first.candidates?.[0]?.content?.parts ?? [];
    expect(part?.functionCall?.args).toEqual({ command: ERRAND.command });
    const stream = await models.generateContentStream({
      model: 'm',
      config,
      contents: [
        { role: 'user', parts: [{ text: 'Run it.' }] },
        { role: 'model', parts: part === undefined ? [] : [part] },
        {
          role: 'user',
          parts: [{ functionResponse: { name: 'run_shell_command', response: { output: ERRAND.mark } } }],
        },
      ],
    });
    let text = '';
    for await (const chunk of stream) text += chunk.text ?? '';
    expect(text).toBe(FINAL);
    expect(upstream.calls.at(-1)).toMatchObject({ hasMark: true, hasProof: true });
  });
});

test('a turn without a shell tool gets a line of text, and a tool that failed is not taken for one that ran', async () => {
  const { messages } = new Anthropic({ apiKey: 'k', baseURL: upstream.url, maxRetries: 0 });
  const title = await messages.create({
    model: 'm',
    max_tokens: 10,
    messages: [{ role: 'user', content: 'A title, please.' }],
  });
  expect(title.content).toMatchObject([{ type: 'text', text: 'An errand in the shell' }]);
  const failed = await messages.create({
    model: 'm',
    max_tokens: 10,
    messages: [
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'c', content: `no: ${ERRAND.command}` }],
      },
    ],
  });
  expect(failed.content).toMatchObject([{ text: 'The command did not print what it should have.' }]);
});

test('counts tokens as the providers do, and knows no other path', async () => {
  const post = (path: string) => fetch(upstream.url + path, { method: 'POST', body: '{}' });
  expect(await (await post('/v1/messages/count_tokens')).json()).toEqual({ input_tokens: 1_200 });
  expect(await (await post('/v1beta/models/m:countTokens')).json()).toEqual({ totalTokens: 1_200 });
  expect((await post('/v1/other')).status).toBe(404);
});
