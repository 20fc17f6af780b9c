import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { type EventReader, readEventStream } from '../answer-stream.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { DRAFT_MARK, endingEvents, pictureEvents, picturesOf, usageOf, wireUsage } from './answer.ts';

const COMPLETED = 'image_generation.completed';
const DRAFT = 'image_generation.partial_image';

/**
 * Each picture is a block, and each draft of one is too. A stream is whole when a picture was completed and no draft
 * followed.
 */
export const decodeStream = (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> =>
  readEventStream(bytes, pictureReader());

function pictureReader(): EventReader {
  let blocks = 0;
  let isWhole = false;
  let usage: Usage = {};
  const blockOf = (event: JsonObject, isDraft: boolean): readonly ChatEvent[] => {
    blocks += 1;
    isWhole = !isDraft;
    const format = textIn(event, 'output_format') ?? 'png';
    return pictureEvents(event, blocks - 1, isDraft ? `${format}${DRAFT_MARK}` : format);
  };
  return {
    read(event) {
      const type = textIn(event, 'type');
      if (type === 'error' || event['error'] !== undefined)
        return [{ type: 'error', error: decodeErrorChunk(event) }];
      if (type === DRAFT) return blockOf(event, true);
      if (type !== COMPLETED) return [];
      // Each picture tells its own usage, and events tell the whole.
      usage = sumOf(usage, usageOf(event, 1));
      return [...blockOf(event, false), { type: 'usage', usage }];
    },
    end: () => (isWhole ? endingEvents({}).filter(({ type }) => type !== 'usage') : undefined),
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
