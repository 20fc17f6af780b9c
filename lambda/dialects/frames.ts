import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import { EventStreamError } from './event-stream.ts';
import { invalidAnswer } from './upstream-error.ts';

/** What the chunks of one stream mean; one object a stream. */
export interface ChunkReader<Chunk> {
  /** What a chunk says. What follows a terminal event is not read. */
  read(chunk: Chunk): readonly ChatEvent[];
  /** What is to be said where the bytes end: the end of the answer, or that it has none. */
  end(): readonly ChatEvent[];
  /** Whether the last chunk broke the format, and is not passed on: its frame has no raw text. @default false */
  readonly isMalformed?: boolean;
}

/**
 * Reads a provider's stream: one frame a chunk, up to the terminal event.
 * @throws what reading the bytes throws, but for chunks that cannot be held, which are an `error` event
 */
export async function* framesOf<Chunk extends { readonly raw: string }>(
  chunks: AsyncIterable<Chunk>,
  reader: ChunkReader<Chunk>,
): AsyncGenerator<Frame> {
  try {
    for await (const chunk of chunks) {
      const events = reader.read(chunk);
      yield { raw: reader.isMalformed === true ? undefined : chunk.raw, events };
      if (isTerminal(events.at(-1))) return;
    }
  } catch (error) {
    yield { raw: undefined, events: [invalidAnswer(reasonOf(error))] };
    return;
  }
  yield { raw: undefined, events: reader.end() };
}

/** Why a stream could not be cut into chunks. Any other error is thrown again. */
function reasonOf(error: unknown): string {
  if (error instanceof EventStreamError) return error.message;
  if (error instanceof RangeError) return 'The provider sent an event that is too large.';
  throw error;
}

const isTerminal = (event: ChatEvent | undefined): boolean =>
  event?.type === 'end' || event?.type === 'error';
