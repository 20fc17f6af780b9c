import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { type EventReader, readEventStream } from '../answer-stream.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { endingEvents, pictureEvents, picturesOf, usageOf, wireUsage } from './answer.ts';

const COMPLETED = 'image_generation.completed';
const DRAFT = 'image_generation.partial_image';

/** Drafts are passed on and mean nothing; a stream is whole when a picture was completed and no draft followed. */
export const decodeStream = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> =>
  readEventStream(bytes, pictureReader());

function pictureReader(): EventReader {
  let pictures = 0;
  let isOpen = false;
  let usage: Usage = {};
  return {
    read(event) {
      const type = textIn(event, 'type');
      if (type === 'error' || event['error'] !== undefined)
        return [{ type: 'error', error: decodeErrorChunk(event) }];
      if (type === DRAFT) isOpen = true;
      if (type !== COMPLETED) return [];
      isOpen = false;
      pictures += 1;
      // Each picture tells its own usage, and events tell the whole.
      usage = sumOf(usage, usageOf(event, 1));
      return [
        ...pictureEvents(event, pictures - 1, textIn(event, 'output_format')),
        { type: 'usage', usage },
      ];
    },
    end() {
      if (pictures === 0 || isOpen) return undefined;
      return endingEvents({}).filter(({ type }) => type !== 'usage');
    },
  };
}

/** What two pictures used together: counts are added, words stay. */
const sumOf = (before: Usage, one: Usage): Usage => ({
  ...one,
  ...Object.fromEntries(
    Object.entries(one).flatMap(([name, count]) => {
      const earlier = Object.entries(before).find(([known]) => known === name)?.[1];
      return typeof count === 'number' && typeof earlier === 'number' ? [[name, earlier + count]] : [];
    }),
  ),
});

/** Writes all pictures at the end, each as it is completed in a stream of the format. */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  const events: ChatEvent[] = [];
  return {
    encode(event) {
      events.push(event);
      if (event.type !== 'end') return '';
      const usage = events.findLast((one) => one.type === 'usage')?.usage;
      const pictures = picturesOf(events);
      return pictures
        .map((picture, index) =>
          completed(picture, envelope, index === pictures.length - 1 ? usage : undefined),
        )
        .join('');
    },
  };
}

function completed(picture: JsonObject, envelope: AnswerEnvelope, usage: Usage | undefined): string {
  const event = {
    type: COMPLETED,
    created_at: envelope.createdAtSeconds,
    ...picture,
    ...(usage?.completionTokens !== undefined && { usage: wireUsage(usage) }),
  };
  return `event: ${COMPLETED}\ndata: ${JSON.stringify(event)}\n\n`;
}
