import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { type EventReader, readEventStream } from '../answer-stream.ts';
import { decodeErrorChunk } from '../openai-chat/errors.ts';
import { costEdits } from '../openai-chat/usage.ts';
import { textIn } from '../openai-chat/wire.ts';
import { costOfEvents, textOfEvents } from '../operation-dialect.ts';
import { usageOf, wireUsage } from './answer.ts';

const AT = { choice: 0, block: 0 } as const;

/** @see https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event */
export const decodeStream = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> =>
  readEventStream(bytes, transcriptReader());

function transcriptReader(): EventReader {
  let isDone = false;
  let text: string | undefined;
  const delta = (piece: string): readonly ChatEvent[] => {
    const start: readonly ChatEvent[] = text === undefined ? [{ type: 'text-start', ...AT }] : [];
    text = (text ?? '') + piece;
    return [...start, { type: 'text-delta', ...AT, text: piece }];
  };
  return {
    read(event) {
      const type = textIn(event, 'type');
      if (type === 'error' || event['error'] !== undefined)
        return [{ type: 'error', error: decodeErrorChunk(event) }];
      if (isDone) return [];
      if (type === 'transcript.text.delta') return delta(textIn(event, 'delta') ?? '');
      if (type !== 'transcript.text.done') return [];
      isDone = true;
      // Who is told the whole text and no piece of it is told it now.
      const late = text === undefined ? delta(textIn(event, 'text') ?? '') : [];
      const usage = usageOf(event);
      return [
        ...late,
        { type: 'block-end', ...AT },
        { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
        ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
      ];
    },
    end: () => (isDone ? [{ type: 'end' }] : undefined),
  };
}

/** Writes the text as it comes, and once more whole. */
export function createStreamEncoder(_envelope: AnswerEnvelope): StreamEncoder {
  const events: ChatEvent[] = [];
  return {
    encode(event) {
      events.push(event);
      if (event.type === 'text-delta' && event.text !== '')
        return block({ type: 'transcript.text.delta', delta: event.text });
      // A stream that passes as it came has told its end itself.
      if (event.type !== 'end' || events.length === 1) return '';
      const usage = events.findLast((one) => one.type === 'usage')?.usage;
      const done = {
        type: 'transcript.text.done',
        text: textOfEvents(events),
        ...(usage !== undefined && { usage: wireUsage(usage) }),
      };
      return `data: ${editJson(JSON.stringify(done), costEdits(done, costOfEvents(events)))}\n\n`;
    },
  };
}

const block = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
