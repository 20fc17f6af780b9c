import { describe, expect, test } from '@jest/globals';
import {
  carryProof,
  carryProofBytes,
  readProof,
  readProofBytes,
} from '../../lambda/dialects/carried-proof.ts';
import type { AnswerEnvelope, Dialect, DialectId } from '../../lambda/dialects/dialect.ts';
import type { ChatEvent } from '../../lambda/domain/chat/event.ts';
import { ECHOING_CALLERS, type EchoingCaller } from './echo.ts';
import { at } from './events.ts';

const REASONING_PROOF = 'cmVhc29uaW5nIHByb29m+/=';
const CLOSED_PROOF = 'Y2xvc2VkIHRob3VnaHQ=';
const CALL_PROOFS = ['Zmlyc3QgY2FsbA==', 'c2Vjb25kIGNhbGw='] as const;
const IDS = ['call:1', 'toolu_2'] as const;

const start = (kind: 'raw' | 'summary' | 'encrypted', block: number, text: string): readonly ChatEvent[] => [
  { type: 'reasoning-start', kind, ...at(block) },
  { type: 'reasoning-delta', text: text.slice(0, 3), ...at(block) },
  { type: 'reasoning-delta', text: text.slice(3), ...at(block) },
];
const signed = (block: number, signature: string): readonly ChatEvent[] => [
  { type: 'block-signature', signature: signature.slice(0, 5), ...at(block) },
  { type: 'block-signature', signature: signature.slice(5), ...at(block) },
];

/** Two calls at the same time; only Google's are signed. */
const calls = (first: number, isSigned: boolean): readonly ChatEvent[] => [
  ...IDS.map(
    (id, index): ChatEvent => ({
      type: 'tool-call-start',
      kind: 'function',
      id,
      name: 'look',
      ...at(first + index),
    }),
  ),
  ...IDS.flatMap((_, index): readonly ChatEvent[] => [
    { type: 'tool-call-delta', arguments: '{"x":', ...at(first + index) },
  ]),
  ...IDS.flatMap((_, index): readonly ChatEvent[] => [
    { type: 'tool-call-delta', arguments: '1}', ...at(first + index) },
    ...(isSigned ? signed(first + index, CALL_PROOFS[index] ?? '') : []),
    { type: 'block-end', ...at(first + index) },
  ]),
];

const answer = (content: readonly ChatEvent[]): readonly ChatEvent[] => [
  { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
  ...content,
  { type: 'finish', choice: 0, reason: 'tool-calls', upstreamReason: undefined },
  { type: 'usage', usage: { promptTokens: 1, completionTokens: 1 } },
  { type: 'end' },
];

const THOUGHT = (kind: 'raw' | 'summary'): readonly ChatEvent[] => [
  ...start(kind, 0, 'Hm, so.'),
  ...signed(0, REASONING_PROOF),
  { type: 'block-end', ...at(0) },
];
const CLOSED: readonly ChatEvent[] = [
  ...start('encrypted', 1, CLOSED_PROOF),
  { type: 'block-end', ...at(1) },
];

interface Signer {
  readonly id: DialectId;
  readonly events: readonly ChatEvent[];
  readonly proofs: readonly string[];
  /** The signed thought, as the signer wants it back. */
  readonly thought: object;
}

/** Every format whose providers sign, and what their answers hold. */
const SIGNERS: readonly Signer[] = [
  {
    id: 'anthropic-messages',
    events: answer([...THOUGHT('raw'), ...CLOSED, ...calls(2, false)]),
    proofs: [REASONING_PROOF, CLOSED_PROOF],
    thought: { type: 'thinking', thinking: 'Hm, so.', signature: REASONING_PROOF },
  },
  {
    id: 'bedrock-converse',
    events: answer([...THOUGHT('raw'), ...CLOSED, ...calls(2, false)]),
    proofs: [REASONING_PROOF, CLOSED_PROOF],
    thought: { reasoningText: { text: 'Hm, so.', signature: REASONING_PROOF } },
  },
  {
    id: 'openai-responses',
    events: answer([...THOUGHT('summary'), ...CLOSED, ...calls(2, false)]),
    proofs: [REASONING_PROOF, CLOSED_PROOF],
    thought: {
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'Hm, so.' }],
      encrypted_content: REASONING_PROOF,
    },
  },
  {
    id: 'gemini',
    events: answer([...THOUGHT('summary'), ...calls(1, true)]),
    proofs: [REASONING_PROOF, ...CALL_PROOFS],
    thought: { text: 'Hm, so.', thought: true, thoughtSignature: REASONING_PROOF },
  },
];

const MODELS: Readonly<Partial<Record<DialectId, string>>> = {
  'anthropic-messages': 'claude-opus-5',
  'bedrock-converse': 'anthropic.claude-sonnet-4-5-v1:0',
  gemini: 'gemini-3-pro',
};
const targetOf = ({ id }: Dialect) => ({ model: MODELS[id] ?? 'some-model', maxOutputTokens: 4000 });

function turnsOf(caller: EchoingCaller, signer: Signer, isStream: boolean) {
  const envelope: AnswerEnvelope = {
    id: 'gen-1',
    model: 'served',
    createdAtSeconds: 1,
    includeUsage: true,
    upstreamDialect: signer.id,
  };
  const { dialect } = caller;
  if (!isStream) return caller.ofAnswer(dialect.encodeAnswer(signer.events, envelope));
  const encoder = dialect.createStreamEncoder(envelope);
  return caller.ofStream(signer.events.map((event) => encoder.encode(event)).join(''));
}

/** No proof of the signer's, not even one that is carried. */
function expectNoProof(text: string, { proofs }: Signer): void {
  for (const proof of proofs) expect(text).not.toContain(proof);
  expect(text).not.toMatch(/sluice:|c2x1aWNlO/);
}

describe.each(ECHOING_CALLERS.map((caller) => ({ caller, id: caller.dialect.id })))(
  'a caller of $id',
  ({ caller }) => {
    describe.each(SIGNERS)('answered by a provider of $id', (signer) => {
      describe.each([false, true])('streamed: %s', (isStream) => {
        const body = caller.request(turnsOf(caller, signer, isStream));
        const raw = JSON.stringify(body);
        const request = caller.dialect.decodeRequest(body, { model: 'm', stream: false });

        test('gives that provider its proofs back as they were', () => {
          const owner = ECHOING_CALLERS.find(({ dialect }) => dialect.id === signer.id)?.dialect;
          const encoded = owner?.encodeRequest(request, targetOf(owner));
          const text = JSON.stringify(encoded?.body);
          for (const proof of signer.proofs) expect(text).toContain(JSON.stringify(proof));
          // Google gets its own thoughts in the pieces in which it gave them.
          const isInPieces = isStream && caller.dialect.id === 'gemini' && signer.id === 'gemini';
          if (!isInPieces) expect(text).toContain(JSON.stringify(signer.thought));
          expect(text).not.toMatch(/sluice:|c2x1aWNlO/);
          expect(encoded).toMatchObject({ unsupported: [], omitted: [] });
        });

        test.each(ECHOING_CALLERS.map(({ dialect }) => dialect).filter(({ id }) => id !== signer.id))(
          'gives none of them to a provider of $id',
          (dialect) => {
            const { body: wire, unsupported, omitted } = dialect.encodeRequest(request, targetOf(dialect));
            expectNoProof(JSON.stringify(wire), signer);
            expect(unsupported).toEqual([]);
            expect(omitted).toEqual([{ feature: 'reasoning_content' }]);
            // Compatible providers of OpenAI's format keep others' proofs under names of their own: they cannot be told apart.
            if (dialect.id === caller.dialect.id && dialect.id !== 'openai-chat')
              expectNoProof(dialect.patchRequest(raw, request, targetOf(dialect)), signer);
          },
        );
      });
    });
  },
);

describe('a carried proof', () => {
  test('is read as it was written, whatever it holds', () => {
    const dialect = 'openai-chat/Some: Format';
    for (const proof of [
      { type: 'signature', dialect, data: 'a:b' },
      { type: 'signature', dialect, data: '' },
      { type: 'closed', dialect, data: 'grüß 👋' },
      { type: 'call', dialect, data: 'x', callId: 'call:1%' },
    ] as const) {
      expect(readProof(carryProof(proof))).toEqual(proof);
      expect(readProofBytes(carryProofBytes(proof))).toEqual(proof);
      const inUrls = carryProofBytes(proof).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      expect(readProofBytes(inUrls)).toEqual(proof);
    }
  });

  test('is none where a text says something else', () => {
    for (const text of ['', 'sluice:', 'sluice:a:b:c', 'c2lnbmF0dXJl', '%:signature:x'])
      expect(readProof(text)).toBeUndefined();
    for (const bytes of ['', 'c2x1aWNlO', 'c2x1aWNlO!!!', 'c2x1aWNlOmE='])
      expect(readProofBytes(bytes)).toBeUndefined();
  });
});
