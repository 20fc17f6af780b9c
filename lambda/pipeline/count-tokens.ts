import { OPERATION_OF } from '../dialects/dialect.ts';
import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import { estimatePromptTokens } from '../domain/money/bound.ts';
import type { RoutePlan } from '../domain/routing/plan.ts';
import type { Admission } from './admit.ts';
import type { Answer } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { FREE_PRICE } from './price-for.ts';
import { NOTHING_TO_LIMIT } from './replay.ts';
import { apiFor } from './upstream-request.ts';

/**
 * How many tokens a prompt has for a model whose provider cannot be asked in the caller's format: an estimate of ours. Nobody is
 * called and nothing charged. `undefined` where its provider can be asked, or where it is not tokens that are to be counted.
 */
export function countedHere(
  gateway: Gateway,
  { request }: Exchange,
  plan: RoutePlan,
  admission: Admission,
): Answer | undefined {
  const { dialect, chat } = request;
  const [{ deployment }] = plan;
  const provider = gateway.providers.get(deployment.provider)?.provider;
  if (OPERATION_OF[dialect.id] !== 'token-count' || provider === undefined) return undefined;
  if (apiFor(gateway.dialects, provider, deployment.model, dialect.id)?.dialect === dialect.id)
    return undefined;
  const tokens = estimatePromptTokens(chat, provider.imageTokensBound);
  return {
    type: 'answer',
    target: { deployment, dialect, price: FREE_PRICE, isSameDialect: false },
    admission,
    isCountedHere: true,
    committed: {
      type: 'committed',
      frames: only({ raw: undefined, events: countEvents(tokens) }),
      limits: NOTHING_TO_LIMIT,
      timeToFirstTokenMs: 0,
      status: 200,
    },
  };
}

/** A count is the answer's text: it is not what the request used, which is nothing. */
const countEvents = (tokens: number): readonly ChatEvent[] => [
  { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
  { type: 'text-start', choice: 0, block: 0 },
  { type: 'text-delta', choice: 0, block: 0, text: String(tokens) },
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
  { type: 'usage', usage: { promptTokens: 0, completionTokens: 0 } },
  { type: 'end' },
];

async function* only(frame: Frame): AsyncGenerator<Frame> {
  yield frame;
}
