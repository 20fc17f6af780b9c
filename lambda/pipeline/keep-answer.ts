import type { KeptAnswer } from '../domain/kept-answer.ts';
import { type Cost, NO_COST } from '../domain/money/cost.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import type { Answer } from './call.ts';
import { rememberTurn } from './compare.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { RECEIPT_KEPT_MS, receiptAddress } from './receipt.ts';
import { attemptQuietly, type Reuse } from './reuse.ts';
import type { Transcript } from './transcript.ts';

/** An answer that has ended, and what was seen of it. */
export interface EndedAnswer {
  readonly answer: Answer;
  readonly transcript: Transcript;
  readonly cost: Cost;
}

/** Whether what passes has to be written down. Of tokens that were counted here no provider's text could be kept: they are counted again. */
export const keepsAnswer = ({ cache, receipt }: Reuse, { replay, isCountedHere }: Answer): boolean =>
  replay === undefined && isCountedHere !== true && (cache?.keeps === true || receipt?.state === 'own');

/**
 * Keeps an answer for whoever asks the same, tells those who wait for it, and closes what was claimed; where there is no answer, or a
 * broken one, gives the claims back. After the answer's end, beside settling; never throws.
 */
export async function keepAnswer(
  gateway: Gateway,
  exchange: Exchange,
  ended: EndedAnswer | undefined,
): Promise<void> {
  const kept = ended === undefined ? undefined : keptAnswer(gateway, exchange, ended);
  await Promise.all([
    keepForOthers(gateway, exchange, isCacheable(exchange, ended) ? kept : undefined),
    closeReceipt(gateway, exchange, ended, kept),
  ]);
}

function keptAnswer(gateway: Gateway, exchange: Exchange, ended: EndedAnswer): KeptAnswer | undefined {
  const { answer, transcript, cost } = ended;
  const { facts } = exchange;
  const nowMs = gateway.clock.now();
  const own = { requestId: facts.id, startedAtMs: facts.startedAtMs, keptAtMs: nowMs, expiresAtMs: nowMs };
  if (answer.replay !== undefined) {
    const { answer: earlier } = answer.replay;
    return { ...earlier, ...own, cost: { ...NO_COST, saved: earlier.cost.saved ?? earlier.cost.total } };
  }
  const text = transcript.text();
  if (text === undefined || !transcript.isWhole()) return undefined;
  const { deployment, dialect } = answer.target;
  return {
    ...own,
    deployment: deployment.id,
    dialect: dialect.id,
    stream: exchange.request.chat.stream,
    text,
    ...(exchange.dropped.length > 0 && { dropped: exchange.dropped }),
    cost,
  };
}

/**
 * Whether an answer may be given to others later: made now, to its proper end, and of a kind that does the same when it is read twice.
 */
function isCacheable({ reuse }: Exchange, ended: EndedAnswer | undefined): boolean {
  if (reuse.cache?.keeps !== true || ended === undefined || ended.answer.replay !== undefined) return false;
  const { transcript } = ended;
  const { keepsToolCalls } = reuse.cache;
  if (transcript.callsTools() && !keepsToolCalls) return false;
  const reasons = [...transcript.finishReasons()];
  return reasons.length > 0 && reasons.every((reason) => reason === 'stop' || reason === 'tool-calls');
}

async function keepForOthers(
  gateway: Gateway,
  exchange: Exchange,
  kept: KeptAnswer | undefined,
): Promise<void> {
  const { cache, flight } = exchange.reuse;
  const answer =
    kept === undefined || cache === undefined
      ? undefined
      : { ...kept, expiresAtMs: kept.keptAtMs + cache.ttlMs };
  flight?.land(answer);
  if (answer !== undefined && cache !== undefined && (await put(gateway, exchange, cache.address, answer)))
    await rememberTurn(gateway, exchange, { address: cache.address, expiresAtMs: answer.expiresAtMs });
  if (flight !== undefined)
    await attemptQuietly(
      gateway,
      exchange,
      'A claim stays until it expires: nobody else leads meanwhile.',
      () => gateway.claims.release(flight.claim),
    );
}

/** An answer that ended well is charged, so the key stays used even where the answer cannot be kept. */
async function closeReceipt(
  gateway: Gateway,
  exchange: Exchange,
  ended: EndedAnswer | undefined,
  kept: KeptAnswer | undefined,
): Promise<void> {
  const { receipt } = exchange.reuse;
  if (receipt?.state !== 'own') return;
  const { claim } = receipt;
  const isAnswered = ended !== undefined && (kept !== undefined || ended.transcript.isWhole());
  const expiresAtMs = gateway.clock.now() + RECEIPT_KEPT_MS;
  const isKept =
    kept !== undefined && (await put(gateway, exchange, receiptAddress(claim), { ...kept, expiresAtMs }));
  await attemptQuietly(gateway, exchange, 'An Idempotency-Key stays claimed until its claim expires.', () =>
    isAnswered
      ? gateway.claims.close(claim, isKept ? 'kept' : 'not-kept', expiresAtMs)
      : gateway.claims.release(claim),
  );
}

/** @returns whether it is there now */
async function put(
  gateway: Gateway,
  exchange: Exchange,
  address: AnswerAddress,
  answer: KeptAnswer,
): Promise<boolean> {
  let result: 'kept' | 'too-large' | undefined;
  await attemptQuietly(gateway, exchange, 'An answer could not be kept.', async () => {
    result = await gateway.answers.put(address, answer);
  });
  return result === 'kept';
}
