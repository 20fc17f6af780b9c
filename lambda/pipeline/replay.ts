import type { Dialect } from '../dialects/dialect.ts';
import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import type { KeptAnswer } from '../domain/kept-answer.ts';
import { NO_COST } from '../domain/money/cost.ts';
import type { Admission } from './admit.ts';
import type { Answer } from './call.ts';
import type { CallLimits } from './deadline.ts';
import { streamBytes } from './encode.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { createMeter, type Meter } from './meter.ts';
import { deploymentNamed } from './plan.ts';
import { priceFor } from './price-for.ts';
import type { Replay } from './reuse.ts';

/**
 * An answer that was there already, as if it came from its provider now. Its text goes out as it stands where the caller speaks its
 * dialect and wants its form; a stream that is wanted whole, or the other way round, is encoded from its events.
 * @returns `undefined` where it is in a dialect that this gateway does not speak any more
 */
export function replayedAnswer(
  gateway: Gateway,
  { request, facts }: Exchange,
  admission: Admission,
  replay: Replay,
): Answer | undefined {
  const { answer } = replay;
  const dialect = [...gateway.dialects.values()].find(({ id }) => id === answer.dialect);
  if (dialect === undefined) return undefined;
  const deployment = deploymentNamed(gateway.config, answer.deployment);
  return {
    type: 'answer',
    target: {
      deployment,
      dialect,
      price: priceFor(gateway, deployment, { dialect: request.dialect.id, startedAtMs: facts.startedAtMs }),
      isSameDialect: request.dialect.id === dialect.id && request.chat.stream === answer.stream,
    },
    admission,
    replay,
    committed: {
      type: 'committed',
      frames: framesOf(answer, dialect),
      limits: NOTHING_TO_LIMIT,
      timeToFirstTokenMs: 0,
      status: 200,
    },
  };
}

const framesOf = ({ stream, text }: KeptAnswer, dialect: Dialect): AsyncIterable<Frame> =>
  stream ? dialect.decodeStream(only(streamBytes(text, dialect))) : only(dialect.decodeAnswer(text));

async function* only<Item>(item: Item): AsyncGenerator<Item> {
  yield item;
}

/** Nobody is called, so nobody is waited for. */
export const NOTHING_TO_LIMIT: CallLimits = {
  signal: new AbortController().signal,
  cause: () => undefined,
  chunkCame() {},
  waitForChunk() {},
  abandon() {},
  release() {},
};

/**
 * Measures an answer that is charged nothing. What it had cost stands in its usage as saved; but where it is given again under its
 * Idempotency-Key, it says what it said the first time.
 */
export function createReplayMeter({
  admission,
  target,
  replay,
}: Answer & { readonly replay: Replay }): Meter {
  const meter = createMeter({ ...admission.quote, price: target.price });
  const { cost } = replay.answer;
  const isRepeated = replay.how === 'idempotency' && cost.saved === undefined;
  const saved = { ...NO_COST, saved: cost.saved ?? cost.total };
  const asSaved = (event: ChatEvent): ChatEvent =>
    event.type === 'usage' && event.cost !== undefined ? { ...event, cost: saved } : event;
  return {
    async *measure(frames) {
      for await (const { raw, events } of meter.measure(frames))
        yield { raw, events: isRepeated ? events : events.map(asSaved) };
    },
    read: () => ({ ...meter.read(), cost: NO_COST, chargeBasis: 'exact' }),
  };
}
