import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, readStream } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

/** What agents send, in the shapes that were seen on the wire, to a provider of their own format and to one of another. */

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const CACHED = { cache_control: { type: 'ephemeral' } };

/** The second request of a tool loop of Claude Code 2.1.328, its texts shortened. */
const CLAUDE_CODE = {
  max_tokens: 128_000,
  system: [
    { type: 'text', text: 'billing' },
    { type: 'text', text: 'You are an agent.', ...CACHED },
    { type: 'text', text: 'The folder is /home.', ...CACHED },
  ],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'List the files.' }] },
    { role: 'system', content: 'The working folder changed.' },
    {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'ToolSearch', input: { a: 1 } }],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: 'toolu_1',
          content: [{ type: 'tool_reference', tool_name: 'Edit' }],
          ...CACHED,
        },
      ],
    },
  ],
  tools: [
    { name: 'ToolSearch', description: 'Finds tools.', input_schema: { type: 'object', properties: {} } },
    { name: 'Edit', description: 'Edits.', input_schema: { type: 'object' }, defer_loading: true },
  ],
  metadata: { user_id: `{"device_id":"${'d'.repeat(64)}","session_id":"s"}` },
  thinking: { type: 'adaptive', display: 'omitted' },
  context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
  output_config: { effort: 'medium' },
  stream: true,
};
const CLAUDE_CODE_HEADERS = {
  'anthropic-beta': 'claude-code-20250219,effort-2025-11-24,a-beta-to-come',
  'x-claude-code-session-id': 's',
};

/** The second request of a tool loop of OpenCode 1.18.33, its texts shortened. */
const OPENCODE = {
  max_tokens: 32_000,
  messages: [
    { role: 'system', content: 'You are an agent.' },
    { role: 'user', content: 'List the files.' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'bash', arguments: '{"command":"ls"}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'a.txt' },
  ],
  tools: [
    {
      type: 'function',
      function: {
        name: 'bash',
        description: 'Runs.',
        parameters: {
          $schema: 'http://json-schema.org/draft-07/schema#',
          type: 'object',
          properties: { command: { type: 'string' } },
          required: ['command'],
          additionalProperties: false,
        },
      },
    },
  ],
  tool_choice: 'auto',
  stream: true,
  stream_options: { include_usage: true },
};

const dropped = (response: Response): readonly string[] =>
  (response.headers.get('x-sluice-dropped')?.split(/, ?/) ?? []).map(decodeURIComponent);

describe('Claude Code', () => {
  const send = (model: string) =>
    fetch(`${gateway.url}/v1/messages?beta=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': owner.secret, ...CLAUDE_CODE_HEADERS },
      body: JSON.stringify({ model, ...CLAUDE_CODE }),
    });

  test('reaches Anthropic with all that it sent', async () => {
    const response = await send('anthropic/mock');
    expect(response.status).toBe(200);
    expect((await readStream(response)).isFinished).toBe(true);
    const { model: _model, ...sent } = gateway.mock.requests.at(-1)?.body ?? {};
    expect(sent).toEqual(CLAUDE_CODE);
    expect(gateway.mock.requests.at(-1)?.headers['anthropic-beta']).toBe(
      CLAUDE_CODE_HEADERS['anthropic-beta'],
    );
    expect(dropped(response)).toEqual([]);
  });

  test('reaches another provider, nothing refused and all that is left out named', async () => {
    const response = await send('openai/mock');
    expect(response.status).toBe(200);
    expect((await readStream(response)).isFinished).toBe(true);
    expect(gateway.mock.requests.at(-1)?.body).toMatchObject({
      messages: [
        { role: 'system' },
        { role: 'user', content: 'List the files.' },
        { role: 'system', content: 'The working folder changed.' },
        { role: 'assistant', tool_calls: [{ id: 'toolu_1', function: { name: 'ToolSearch' } }] },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'The tool Edit can be called now.' },
      ],
      tools: [{ function: { name: 'ToolSearch' } }, { function: { name: 'Edit' } }],
      reasoning_effort: 'medium',
    });
    expect([...dropped(response)].sort()).toEqual([
      'anthropic-beta',
      'cache_control',
      'context_management',
      'max_tokens',
      'messages.content: tool_reference',
      'metadata.user_id',
      'thinking.display',
      'tools.defer_loading',
    ]);
  });
});

describe('OpenCode', () => {
  // The mock's models give 4,000 tokens at most.
  test.each([
    ['openai/mock', []],
    ['anthropic/mock', ['max_completion_tokens']],
  ])('reaches %s, nothing refused and all that is left out named', async (model, expected) => {
    const response = await ask(gateway, owner.secret, { model, body: OPENCODE });
    expect(response.status).toBe(200);
    expect((await readStream(response)).isFinished).toBe(true);
    expect(dropped(response)).toEqual(expected);
  });
});
