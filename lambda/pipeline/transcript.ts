import type { FinishReason, Frame } from '../domain/chat/event.ts';

/** What was written down of an answer as it passed. */
export interface Transcript {
  record(frames: AsyncIterable<Frame>): AsyncIterable<Frame>;
  /** The provider's own text; `undefined` where it was not wanted or is too long. */
  text(): string | undefined;
  /** It came to its proper end. */
  isWhole(): boolean;
  /** How its choices ended. */
  finishReasons(): ReadonlySet<FinishReason>;
  callsTools(): boolean;
}

/** In memory, until the answer has ended. Streams are twenty times longer than what is stored of them. */
const MOST_CHARACTERS = 32_000_000;

/** @param isWanted whether the text may be needed */
export function createTranscript(isWanted: boolean): Transcript {
  const texts: string[] = [];
  const reasons = new Set<FinishReason>();
  let isKept = isWanted;
  let characters = 0;
  let isWhole = false;
  let callsTools = false;

  function note({ raw, events }: Frame): void {
    for (const event of events) {
      if (event.type === 'finish') reasons.add(event.reason);
      callsTools ||= event.type === 'tool-call-start';
      isWhole ||= event.type === 'end';
    }
    characters += raw?.length ?? 0;
    isKept &&= characters <= MOST_CHARACTERS;
    if (!isKept) texts.length = 0;
    else if (raw !== undefined) texts.push(raw);
  }

  return {
    record: isWanted ? (frames) => noted(frames, note) : (frames) => frames,
    text: () => (isKept ? texts.join('') : undefined),
    isWhole: () => isWhole,
    finishReasons: () => reasons,
    callsTools: () => callsTools,
  };
}

async function* noted(frames: AsyncIterable<Frame>, note: (frame: Frame) => void): AsyncGenerator<Frame> {
  for await (const frame of frames) {
    note(frame);
    yield frame;
  }
}
