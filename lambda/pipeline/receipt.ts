import { requestFingerprint } from '../domain/answer-fingerprint.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import type { Claim, ClaimState } from '../ports/claim-store.ts';
import { comparableBody } from './decode.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import type { Receipt, Replay } from './reuse.ts';

/** How long an answer is given again under its Idempotency-Key. */
export const RECEIPT_KEPT_MS = 86_400_000;
/** How long after a request's deadline its claim stands: no longer than its reservation. */
export const CLAIM_GRACE_MS = 30_000;
/** How long a second caller waits for the first, where the answer comes whole. */
const LONGEST_WAIT_MS = 30_000;
/** Of the time in which a stream can still be answered with a status. */
const SHARE_OF_SILENCE = 0.8;
const RETRY_AFTER_SECONDS = 5;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** Takes the request's Idempotency-Key, or hears who has it. Never throws. */
export async function claimReceipt(gateway: Gateway, exchange: Exchange): Promise<Receipt> {
  const claim = receiptClaim(exchange);
  try {
    return { claim, state: await gateway.claims.take(claim, exchange.deadlineMs + CLAIM_GRACE_MS) };
  } catch (thrown) {
    return { claim, state: asGatewayError(thrown) };
  }
}

/**
 * The answer that was given under the request's Idempotency-Key before, or is being made; `undefined` where this request is the first,
 * and the one to be answered.
 * @throws GatewayError `idempotency_conflict`, `idempotency_in_progress`, `store_unavailable`
 */
export async function givenBefore(gateway: Gateway, exchange: Exchange): Promise<Replay | undefined> {
  const { receipt } = exchange.reuse;
  if (receipt === undefined) return undefined;
  if (receipt.state instanceof GatewayError) throw receipt.state;
  const state = await settledState(gateway, exchange, receipt.claim, receipt.state);
  exchange.reuse = { ...exchange.reuse, receipt: { ...receipt, state } };
  switch (state) {
    case 'own':
      return undefined;
    case 'kept':
      return { how: 'idempotency', answer: await answerOf(gateway, receipt.claim) };
    case 'running':
      throw new GatewayError(
        'idempotency_in_progress',
        'A request with this Idempotency-Key is being answered. Send this one again to get its answer.',
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    case 'not-kept':
      throw notKept();
    case 'free':
    case 'other-request':
      throw new GatewayError(
        'idempotency_conflict',
        'Another request was sent with this Idempotency-Key in the last 24 hours. Give each request a key of its own.',
        { param: 'Idempotency-Key' },
      );
  }
}

/** Waits while the first one is being answered; where it has failed, this one takes its place. */
async function settledState(
  gateway: Gateway,
  exchange: Exchange,
  claim: Claim,
  first: ClaimState,
): Promise<ClaimState> {
  const { clock, pacing } = gateway;
  const patienceMs = exchange.request.chat.stream ? pacing.silenceMs * SHARE_OF_SILENCE : LONGEST_WAIT_MS;
  const untilMs = Math.min(clock.now() + patienceMs, exchange.deadlineMs - 1_000);
  let state = first;
  let pauseMs = FIRST_PAUSE_MS;
  while ((state === 'running' || state === 'free') && clock.now() < untilMs && !exchange.signal.aborted) {
    if (state === 'free') {
      state = await gateway.claims.take(claim, exchange.deadlineMs + CLAIM_GRACE_MS);
      continue;
    }
    await clock.sleep(pauseMs, exchange.signal);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    state = await gateway.claims.look(claim);
  }
  return state === 'free' ? 'running' : state;
}

async function answerOf(gateway: Gateway, claim: Claim): Promise<Replay['answer']> {
  const answer = await gateway.answers.get(receiptAddress(claim));
  if (answer === undefined) throw notKept();
  return answer;
}

/** Answering again would charge again, which a caller who sends this header does not expect. */
const notKept = (): GatewayError =>
  new GatewayError(
    'idempotency_conflict',
    'The request with this Idempotency-Key was answered and charged, but its answer could not be kept. Send it with another key to have it answered, and charged, again.',
    { param: 'Idempotency-Key', metadata: { answer_kept: false } },
  );

/** A key's own name for a request, on one route. */
function receiptClaim({ facts, request }: Exchange): Claim {
  return {
    scope: JSON.stringify(['idempotency', facts.keyId, facts.dialect]),
    name: request.options.idempotencyKey ?? '',
    fingerprint: requestFingerprint(comparableBody(request), request.chat),
    owner: facts.id,
  };
}

/** Where the answer of a claim is kept. */
export const receiptAddress = ({ scope, name }: Claim): AnswerAddress => ({ scope, fingerprint: name });
