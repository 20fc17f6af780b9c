import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import { carryProof, SIGNER_OF_CALLS } from '../../../lambda/dialects/carried-proof.ts';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { type AnswerBlock, type AnswerChoice, answerOf } from '../answer-of.ts';
import { eventSequence, wholeAnswer } from '../event-arbitrary.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { framesOf } from './recordings.ts';

const OWN = 'anthropic-messages';
const upstream = fc.constantFrom('gemini' as const, 'anthropic-messages' as const);
const envelope = (upstreamDialect: 'gemini' | 'anthropic-messages'): AnswerEnvelope => ({
  id: 'gen-1',
  model: 'p/m',
  createdAtSeconds: 1,
  includeUsage: true,
  upstreamDialect,
});

/** A block as this format holds it; none for what it has no place for. */
function heldOf(block: AnswerBlock): object[] {
  const { type, kind, id, name, text } = block;
  switch (type) {
    case 'text': {
      const citations = block.citations.filter(({ dialect }) => dialect === OWN);
      return text === '' && citations.length === 0 ? [] : [{ type, text, citations }];
    }
    case 'refusal':
      return text === '' ? [] : [{ type: 'text', text, citations: [] }];
    case 'reasoning':
      return reasoningHeld(block);
    case 'tool-call':
      return [
        { type, kind: kind === 'custom' ? 'function' : kind, id, name, arguments: argumentsHeld(block) },
        ...callProofHeld(block),
      ];
    case 'hosted-tool-result':
      return block.owner === OWN ? [{ type, id, result: block.result }] : [];
    case 'media':
      return [];
  }
}

/** Summaries are told from thinking by nothing; a closed block has no signature beside itself. */
function reasoningHeld({ type, kind, text, signature, owner }: AnswerBlock): object[] {
  if (kind === 'encrypted')
    return text === '' ? [] : [{ type, kind, text: proofHeld('closed', owner, text) }];
  return text + signature === ''
    ? []
    : [{ type, kind: 'raw', text, signature: proofHeld('signature', owner, signature) }];
}

/** Another dialect's proof stands with its name before it. */
const proofHeld = (type: 'closed' | 'signature', owner: string, data: string): string =>
  owner === OWN ? data : carryProof({ type, dialect: owner, data });

/** The proof of a call stands behind it, closed. */
function callProofHeld({ kind, id, owner, signature }: AnswerBlock): object[] {
  if (kind === 'hosted' || signature === '' || owner !== SIGNER_OF_CALLS) return [];
  const text = carryProof({ type: 'call', dialect: owner, callId: id, data: signature });
  return [{ type: 'reasoning', kind: 'encrypted', text }];
}

/** Free text is wrapped in an object; whether an object's text has spaces is nothing that it says. */
const argumentsHeld = ({ kind, text }: AnswerBlock): unknown =>
  kind === 'custom' ? { input: text } : JSON.parse(text === '' ? '{}' : text);

/** A content filter is a refusal here, and so is a refusal that ended like an answer. */
function reasonHeld({ reason, blocks }: AnswerChoice): FinishReason | undefined {
  if (reason === 'content-filter') return 'refusal';
  return reason === 'stop' && blocks.some(({ type }) => type === 'refusal') ? 'refusal' : reason;
}

/** The prompt and the answer are always counted here, and the prompt holds what of it was cached. */
function usageHeld(usage: Usage | undefined): Usage {
  const cached = (usage?.cacheReadTokens ?? 0) + (usage?.cacheWriteTokens ?? 0);
  return {
    ...usage,
    promptTokens: Math.max(usage?.promptTokens ?? 0, cached),
    completionTokens: usage?.completionTokens ?? 0,
  };
}

/** Only the first choice has a place here. */
const failsHere = (events: readonly ChatEvent[]): boolean =>
  events.some((event) => event.type === 'finish' && event.choice === 0 && event.reason === 'error') ||
  events.at(-1)?.type === 'error';

function expectSameAnswer(events: readonly ChatEvent[], again: readonly ChatEvent[], dialect: string): void {
  const given = answerOf(events, dialect);
  const read = answerOf(again, OWN);
  const [choice, other] = [given.choices.get(0), read.choices.get(0)];
  expect(read.choices.size).toBe(1);
  expect(other?.blocks.flatMap(heldOf)).toEqual(choice?.blocks.flatMap(heldOf));
  expect(other?.reason).toBe(choice === undefined ? undefined : reasonHeld(choice));
  expect(other?.stopSequence).toBe(choice?.stopSequence);
  expect(read.usage).toEqual(usageHeld(given.usage));
}

describe('answers of any dialect', () => {
  test('reach the caller whole in a stream', async () => {
    const property = fc.asyncProperty(eventSequence, upstream, async (events, dialect) => {
      const encoder = anthropicMessages.createStreamEncoder(envelope(dialect));
      const again = eventsOf(await framesOf(events.map((event) => encoder.encode(event)).join('')));
      expect(brokenRules(again)).toEqual([]);
      if (failsHere(events)) expect(again.at(-1)?.type).toBe('error');
      else expectSameAnswer(events, again, dialect);
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  test('reach the caller whole at once', () => {
    const good = wholeAnswer.filter((events) => !failsHere(events));
    const property = fc.property(good, upstream, (events, dialect) => {
      const { events: again } = anthropicMessages.decodeAnswer(
        anthropicMessages.encodeAnswer(events, envelope(dialect)),
      );
      expect(brokenRules(again)).toEqual([]);
      expectSameAnswer(events, again, dialect);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
