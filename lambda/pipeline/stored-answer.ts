import type { Dialect } from '../dialects/dialect.ts';
import { GatewayError } from '../domain/errors.ts';
import type { VirtualKeyId } from '../domain/ids.ts';
import { parseJsonObject } from '../domain/json.ts';
import type { KeptAnswer } from '../domain/kept-answer.ts';
import { NO_COST } from '../domain/money/cost.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import type { Answer } from './call.ts';
import type { Caller, Exchange, IncomingRequest } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { attemptQuietly } from './reuse.ts';

/** How long an answer can be fetched and continued by its id: a day. */
export const STORED_FOR_MS = 86_400_000;

/** Ids that this gateway gave; others are a provider's own. */
const IS_OWN_ID = /^gen-[0-9a-f]{32}$/;

/** Each key has its own: no other can find or open them. */
const addressOf = (keyId: VirtualKeyId, id: string): AnswerAddress => ({
  scope: `stored:${keyId}`,
  fingerprint: id,
});

/**
 * The request with all of the conversation in its body, where it goes on from an answer that is kept here: no provider
 * needs to know our ids. What a provider itself keeps is left to it. One read, where there is an id.
 * @throws GatewayError `not_found`, `store_unavailable`
 */
export async function withEarlierTurns(
  gateway: Pick<Gateway, 'answers'>,
  { key }: Caller,
  incoming: IncomingRequest,
  { storage }: Dialect,
): Promise<IncomingRequest> {
  if (storage === undefined || incoming.body.byteLength === 0) return incoming;
  const raw = textOf(incoming.body);
  if (raw === undefined || !raw.includes('gen-')) return incoming;
  const id = storage.previousOf(parseJsonObject(raw) ?? {});
  if (id === undefined || !IS_OWN_ID.test(id)) return incoming;
  const kept = await gateway.answers.get(addressOf(key.id, id));
  if (kept === undefined) throw noSuchAnswer('previous_response_id');
  return { ...incoming, body: Buffer.from(storage.continued(raw, kept.text)) };
}

const DECODER = new TextDecoder('utf-8', { fatal: true });

/** `undefined` where it is no UTF-8, which is refused when it is decoded, as is what is no JSON object. */
function textOf(body: Uint8Array): string | undefined {
  try {
    return DECODER.decode(body);
  } catch {
    return undefined;
  }
}

const noSuchAnswer = (param: string): GatewayError =>
  new GatewayError(
    'not_found',
    'There is no such answer of this key. Answers are kept for 24 hours, unless "store" is false.',
    { param },
  );

/** An answer of this key as its caller saw it. @throws GatewayError `not_found`, `store_unavailable` */
export async function storedAnswer(
  gateway: Pick<Gateway, 'answers'>,
  keyId: VirtualKeyId,
  dialect: Dialect,
  id: string,
): Promise<string> {
  const kept = await find(gateway, keyId, id);
  const text = dialect.storage?.answerOf(kept.text);
  if (text === undefined) throw noSuchAnswer('id');
  return text;
}

/** Forgets an answer of this key. @throws GatewayError `not_found`, `store_unavailable` */
export async function forgetAnswer(
  gateway: Pick<Gateway, 'answers' | 'clock'>,
  keyId: VirtualKeyId,
  id: string,
): Promise<void> {
  const kept = await find(gateway, keyId, id);
  const gone: KeptAnswer = { ...kept, text: '', expiresAtMs: gateway.clock.now() };
  await gateway.answers.put(addressOf(keyId, id), gone);
}

async function find(gateway: Pick<Gateway, 'answers'>, keyId: VirtualKeyId, id: string): Promise<KeptAnswer> {
  const kept = IS_OWN_ID.test(id) ? await gateway.answers.get(addressOf(keyId, id)) : undefined;
  if (kept === undefined) throw noSuchAnswer('id');
  return kept;
}

/** Whether an answer is to be found by its id later. One that is given again has its id already. */
export const isStored = (
  { request }: Pick<Exchange, 'request'>,
  { replay }: Pick<Answer, 'replay'>,
): boolean =>
  request.dialect.storage?.wants(request.chat) === true &&
  !request.options.cache.isUnstored &&
  replay?.how !== 'idempotency';

/**
 * Keeps an answer as its caller sees it. Before the caller sees its end, as the next request may go on from it at once, anywhere.
 * Never throws.
 * @param shown the whole answer, in the caller's dialect
 */
export async function storeAnswer(
  gateway: Gateway,
  exchange: Exchange,
  answer: Pick<Answer, 'target' | 'replay'>,
  shown: string,
): Promise<void> {
  const { facts, request, caller } = exchange;
  const { storage } = request.dialect;
  if (storage === undefined) return;
  const nowMs = gateway.clock.now();
  const kept: KeptAnswer = {
    requestId: facts.id,
    startedAtMs: facts.startedAtMs,
    deployment: answer.target.deployment.id,
    dialect: request.dialect.id,
    stream: false,
    text: storage.kept(request.raw, shown),
    cost: NO_COST,
    keptAtMs: nowMs,
    expiresAtMs: nowMs + STORED_FOR_MS,
  };
  await attemptQuietly(gateway, exchange, 'An answer could not be kept under its id.', () =>
    gateway.answers.put(addressOf(caller.key.id, facts.id), kept),
  );
}
