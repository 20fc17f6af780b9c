import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import { formatOf } from '../../../lambda/dialects/openai-chat/reasoning-format.ts';
import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type Json } from '../../../lambda/domain/json.ts';
import { type Answer, type AnswerBlock, type AnswerChoice, answerOf } from '../answer-of.ts';
import { eventSequence, wholeAnswer } from '../event-arbitrary.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { framesOf } from './recordings.ts';

const envelope = (upstreamDialect: 'gemini' | 'anthropic-messages'): AnswerEnvelope => ({
  id: 'gen-1',
  model: 'p/m',
  createdAtSeconds: 1,
  includeUsage: true,
  upstreamDialect,
});
const upstream = fc.constantFrom('gemini' as const, 'anthropic-messages' as const);

/**
 * What this format holds of a choice. It has one text, one refusal and one sound a choice, and no order between them and
 * the tool calls; it has no place for tools that the provider ran, for files, nor for the sources of other formats that
 * have no address.
 */
function heldOf(choice: AnswerChoice): object {
  const calls = choice.blocks.filter(({ type, kind }) => type === 'tool-call' && kind !== 'hosted');
  return {
    text: choice.said.text,
    refusal: choice.said.refusal,
    audio: choice.said.audio,
    logprobs: choice.blocks.flatMap(({ logprobs }) => logprobs.flatMap(tokensOf)).sort(),
    calls: calls.map((call) => ({
      kind: call.kind,
      id: call.id,
      name: call.name,
      arguments: call.text,
      signature: call.owner === 'gemini' ? call.signature : '',
    })),
    pictures: choice.ended
      .filter(({ kind, text }) => kind === 'image' && text !== '')
      .map(({ text }) => text),
    sources: choice.blocks.flatMap(({ citations }) => citations.flatMap(addressOf)).sort(),
    closed: choice.ended.filter(({ kind }) => kind === 'encrypted').flatMap(closedText),
  };
}

/** Each token with its probability, as text; blocks may share one delta. */
const tokensOf = (logprobs: Json): string[] =>
  isJsonObject(logprobs) && Array.isArray(logprobs['content'])
    ? logprobs['content'].map((token) => JSON.stringify(token))
    : [];

function addressOf({ citation }: AnswerBlock['citations'][number]): string[] {
  if (!isJsonObject(citation)) return [];
  const url = isJsonObject(citation['url_citation']) ? citation['url_citation']['url'] : citation['url'];
  return typeof url === 'string' ? [url] : [];
}

const closedText = ({ text, signature, owner }: AnswerBlock): string[] =>
  text + signature === '' ? [] : [`${formatOf(owner)} ${text}${signature}`];

/** Reasoning a caller can read, block by block. */
const readable = (choice: AnswerChoice): object[] =>
  choice.ended
    .filter(
      ({ type, kind, text, signature }) =>
        type === 'reasoning' && kind !== 'encrypted' && text + signature !== '',
    )
    .map(({ kind, text, signature, owner }) => ({ kind, text, signature, format: formatOf(owner) }));

/** A refusal in its own field is a normal end; calls that wait for the caller end a choice like no other stop. */
function reasonHeld({ reason, said }: AnswerChoice): FinishReason | undefined {
  const isRefusal = said.refusal !== '';
  if (reason === 'refusal' && !isRefusal) return 'content-filter';
  const isStop = reason === 'refusal' || reason === 'pause' || reason === 'stop';
  if (!isStop) return reason;
  return isRefusal && said.text === '' ? 'refusal' : 'stop';
}

const hasErrorFinish = (events: readonly ChatEvent[]): boolean =>
  events.some((event) => event.type === 'finish' && event.reason === 'error');

function expectSameAnswer(given: Answer, again: Answer): void {
  expect([...again.choices.keys()].sort()).toEqual([...given.choices.keys()].sort());
  for (const [index, choice] of given.choices) {
    const other = again.choices.get(index);
    if (other === undefined) throw new Error(`choice ${index} is missing`);
    expect(heldOf(other)).toEqual(heldOf(choice));
    expect(other.reason).toBe(reasonHeld(choice));
  }
  if (Object.keys(given.usage ?? {}).length > 0) expect(again.usage).toEqual(given.usage);
}

describe('answers of any dialect', () => {
  test('reach the caller whole in a stream', async () => {
    const property = fc.asyncProperty(eventSequence, upstream, async (events, dialect) => {
      const encoder = openaiChat.createStreamEncoder(envelope(dialect));
      const stream = events.map((event) => encoder.encode(event)).join('');
      const again = eventsOf(await framesOf(stream));
      expect(brokenRules(again)).toEqual([]);
      if (hasErrorFinish(events) || events.at(-1)?.type === 'error')
        return expect(again.at(-1)?.type).toBe('error');
      const [given, read] = [answerOf(events, dialect), answerOf(again, 'openai-chat')];
      expectSameAnswer(given, read);
      for (const [index, choice] of given.choices) {
        expect(read.choices.get(index)?.said.reasoning).toBe(choice.said.reasoning);
        const proofs = (of: AnswerChoice | undefined) =>
          of?.blocks
            .filter(
              ({ type, kind, signature }) => type === 'reasoning' && kind !== 'encrypted' && signature !== '',
            )
            .map(({ signature, owner }) => `${formatOf(owner)} ${signature}`)
            .sort();
        expect(proofs(read.choices.get(index))).toEqual(proofs(choice));
      }
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  test('reach the caller whole at once', () => {
    const good = wholeAnswer.filter((events) => !hasErrorFinish(events));
    const property = fc.property(good, upstream, (events, dialect) => {
      const { events: again } = openaiChat.decodeAnswer(openaiChat.encodeAnswer(events, envelope(dialect)));
      expect(brokenRules(again)).toEqual([]);
      const [given, read] = [answerOf(events, dialect), answerOf(again, 'openai-chat')];
      expectSameAnswer(given, read);
      for (const [index, choice] of given.choices) {
        const other = read.choices.get(index);
        expect(other === undefined ? [] : readable(other)).toEqual(readable(choice));
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
