import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Dialect, DialectId } from '../../lambda/dialects/dialect.ts';
import { DIALECTS } from '../../lambda/dialects/registry.ts';
import type { ChatEvent } from '../../lambda/domain/chat/event.ts';
import { providerId } from '../../lambda/domain/ids.ts';
import { CUSTOM } from '../../lambda/providers/custom/provider.ts';
import { type RecordedUpstream, startRecordedUpstream } from '../matrix/recorded-upstream.ts';
import { type LocalGateway, startLocalGateway } from '../support/local-gateway.ts';

/** Custom tools, which take free text (as Codex's `apply_patch`), at providers whose tools take a JSON object. */

const FUNCTIONS_ONLY = ['anthropic-messages', 'gemini', 'bedrock-converse', 'cohere-chat'] as const;
const PATCH = '*** Begin "Patch"\n+ é 😀\n*** End';

const at = { choice: 0, block: 0 } as const;
const ANSWER: readonly ChatEvent[] = [
  { type: 'answer-start', upstreamId: 'a', upstreamModel: 'm', createdAtSeconds: 1 },
  { type: 'tool-call-start', kind: 'function', id: 'call1', name: 'apply_patch', ...at },
  { type: 'tool-call-delta', arguments: JSON.stringify({ input: PATCH }), ...at },
  { type: 'block-end', ...at },
  { type: 'usage', usage: { promptTokens: 1, completionTokens: 1 } },
  { type: 'finish', choice: 0, reason: 'tool-calls', upstreamReason: undefined },
  { type: 'end' },
];
const ENVELOPE = { id: 'a', model: 'm', createdAtSeconds: 1, includeUsage: true };

const named = (id: DialectId): Dialect => {
  const dialect = DIALECTS.find((each) => each.id === id);
  if (dialect === undefined) throw new Error(`There is no dialect ${id}.`);
  return dialect;
};

let gateway: LocalGateway;
let upstream: RecordedUpstream;
let secret: string;

beforeAll(async () => {
  upstream = await startRecordedUpstream();
  const providers = new Map(
    FUNCTIONS_ONLY.map((dialect) => [
      dialect,
      {
        name: dialect,
        provider: { ...CUSTOM, id: providerId(dialect), apis: [{ dialect, path: () => '/' }] as const },
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

const TOOL = { type: 'custom', name: 'apply_patch', description: 'Patches.' };

describe.each(FUNCTIONS_ONLY)('a provider of %s', (id) => {
  test.each([false, true])(
    'is called with a function, and its call is free text again (stream: %s)',
    async (stream) => {
      const dialect = named(id);
      const encoder = dialect.createStreamEncoder(ENVELOPE);
      const text = stream
        ? ANSWER.map((event) => encoder.encode(event)).join('')
        : dialect.encodeAnswer(ANSWER, ENVELOPE);
      upstream.answerWith({
        name: id,
        status: 200,
        contentType: stream ? dialect.streamContentType : 'application/json',
        headers: {},
        bytes: Buffer.from(text, stream ? dialect.streamEncoding : 'utf8'),
        isStream: stream,
        isCut: false,
      });
      const response = await fetch(`${gateway.url}/v1/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify({
          model: `${id}/m`,
          stream,
          input: [
            { role: 'user', content: 'Patch it.' },
            { type: 'custom_tool_call', call_id: 'call0', name: 'apply_patch', input: 'first' },
            { type: 'custom_tool_call_output', call_id: 'call0', output: 'no' },
          ],
          tools: [TOOL],
        }),
      });
      const answer = await response.text();
      expect({ status: response.status, answer }).toMatchObject({ status: 200 });
      const item = { type: 'custom_tool_call', name: 'apply_patch', input: PATCH };
      const output = stream ? lastResponse(answer).output : JSON.parse(answer).output;
      expect(output).toMatchObject([item]);
      const sent = dialect.decodeRequest(JSON.parse(upstream.asked?.body ?? '{}'), { model: 'm' });
      expect(sent.tools).toMatchObject([{ type: 'function', name: 'apply_patch' }]);
      expect(sent.messages.flatMap(({ content }) => content)).toContainEqual(
        expect.objectContaining({ type: 'tool-call', arguments: '{"input":"first"}' }),
      );
    },
  );
});

function lastResponse(stream: string): { readonly output: unknown } {
  const data = stream.split('\n\n').findLast((block) => block.includes('response.completed')) ?? '';
  return JSON.parse(/^data: (.*)$/m.exec(data)?.[1] ?? '{}').response;
}
