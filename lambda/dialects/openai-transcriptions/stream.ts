import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import type { JsonObject } from '../../domain/json.ts';
import { type EventReader, readEventStream } from '../answer-stream.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { costEdits } from '../openai-usage.ts';
import { costOfEvents, textOfEvents } from '../operation-dialect.ts';
import { usageOf, wireUsage } from './answer.ts';

const AT = { choice: 0, block: 0 } as const;

/** @see https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event */
export const decodeStream = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> =>
  readEventStream(bytes, transcriptReader());

function transcriptReader(): EventReader {
  let isDone = false;
  let hasText = false;
  const delta = (text: string): readonly ChatEvent[] => {
    const start: readonly ChatEvent[] = hasText ? [] : [{ type: 'text-start', ...AT }];
    hasText = true;
    return [...start, { type: 'text-delta', ...AT, text }];
  };
  const done = (event: JsonObject): readonly ChatEvent[] => {
    isDone = true;
    const usage = usageOf(event);
    return [
      // Who is told the whole text and no piece of it is told it now.
      ...(hasText ? [] : delta(textIn(event, 'text') ?? '')),
      { type: 'block-end', ...AT },
      { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
      ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
    ];
  };
  return {
    read(event) {
      const type = textIn(event, 'type');
      const isError = type === 'error' || event['error'] !== undefined;
      if (isError) return [{ type: 'error', error: decodeErrorChunk(event) }];
      if (isDone) return [];
      if (type === 'transcript.text.delta') return delta(textIn(event, 'delta') ?? '');
      return type === 'transcript.text.done' ? done(event) : [];
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
