import * as z from 'zod/mini';
import { GatewayError } from '../domain/errors.ts';
import { type SecretHash, type VirtualKeyId, virtualKeyId } from '../domain/ids.ts';
import type { Scope } from '../domain/money/budget.ts';
import { type VirtualKey, withNewSecret } from '../domain/virtual-key.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Ledger } from '../ports/ledger.ts';
import { validated, whole } from './body-schema.ts';
import { changeAgain } from './change-again.ts';
import { inBatches } from './in-batches.ts';
import { changeKey, keyFromBody } from './key-body.ts';
import { keyView } from './key-view.ts';
import { readPage } from './pages.ts';
import { readJsonObject, readJsonObjectOrNothing } from './read-body.ts';
import { standingBudgets } from './scope-budgets.ts';

export interface KeyRouteDependencies {
  readonly keys: KeyStore;
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly clock: Clock;
  /** A new secret: `newKeySecret` over an unpredictable source. */
  readonly newSecret: () => string;
  /** SHA-256 as lower-case hex. */
  readonly hashSecret: (secret: string) => SecretHash;
  /** Short random text for ids, of letters and digits: unique, but no secret. */
  readonly newId: () => string;
}

const HINT_LENGTH = 4;
const MAX_GRACE_SECONDS = 30 * 86_400;

/** `POST /admin/keys`: with that of a rotation, the only answer that holds a secret. */
export async function createKey(
  request: HttpRequest,
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const body = readJsonObject(request);
  const secret = dependencies.newSecret();
  const id = virtualKeyId(`key_${dependencies.newId()}`);
  const key = keyFromBody(body, { id, hint: secret.slice(-HINT_LENGTH), nowMs });
  // Nothing that can fail stands between the key's making and the one answer that holds its secret.
  const budgets = await standingBudgets(scopeOf(key), key, { ledger: NOTHING_COUNTED, nowMs });
  await dependencies.keys.create(key, dependencies.hashSecret(secret));
  return jsonResponse(201, withSecret(keyView(key, budgets, nowMs), secret));
}

/** `GET /admin/keys?limit=&cursor=`, newest first. */
export async function listKeys(
  request: HttpRequest,
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const page = await dependencies.keys.list(readPage(request.query));
  const data = await inBatches(page.items, (key) => viewNow(key, dependencies));
  return jsonResponse(200, { data, next_cursor: page.nextCursor ?? null });
}

/** `GET /admin/keys/{id}` */
export async function showKey(id: string, dependencies: KeyRouteDependencies): Promise<HttpResponse> {
  return jsonResponse(200, await viewNow(await existingKey(id, dependencies.keys), dependencies));
}

/** `PATCH /admin/keys/{id}` */
export async function updateKey(
  id: string,
  request: HttpRequest,
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const body = readJsonObject(request);
  const nowMs = dependencies.clock.now();
  const changed = await changeStanding(id, dependencies.keys, (key) => changeKey(key, body, nowMs));
  return jsonResponse(200, await viewNow(changed, dependencies));
}

/** `DELETE /admin/keys/{id}`: revokes it, for good. The key, its spend and its records stay readable. */
export async function revokeKey(id: string, dependencies: KeyRouteDependencies): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const { keys } = dependencies;
  const revoked = await changeAgain({
    read: () => existingKey(id, keys),
    apply: (key): VirtualKey =>
      key.state === 'revoked' ? key : { ...key, state: 'revoked', revokedAtMs: nowMs },
    put: (key) => keys.update(key),
  });
  return jsonResponse(200, await viewNow(revoked, dependencies));
}

/** `POST /admin/keys/{id}/disable` and `…/enable`: a disabled key is refused until it is enabled. */
export async function switchKey(
  id: string,
  state: 'active' | 'disabled',
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const switched = await changeStanding(id, dependencies.keys, (key) =>
    key.state === state ? key : { ...key, state },
  );
  return jsonResponse(200, await viewNow(switched, dependencies));
}

const rotation = z.strictObject({ grace_seconds: z.optional(whole(0, MAX_GRACE_SECONDS)) });

/**
 * `POST /admin/keys/{id}/rotate`: gives the key a new secret. The one before works for `grace_seconds` more, by default for
 * none; so do older ones that still worked, but never longer than they were given before.
 */
export async function rotateKey(
  id: string,
  request: HttpRequest,
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const { keys } = dependencies;
  const { grace_seconds: graceSeconds = 0 } = validated(rotation, readJsonObjectOrNothing(request));
  const nowMs = dependencies.clock.now();
  const secret = dependencies.newSecret();
  const hint = secret.slice(-HINT_LENGTH);
  const before = await standingKey(id, keys);
  // Read first: what fails after the rotation would take the new secret with it.
  const budgets = await standingBudgets(scopeOf(before), before, { ledger: dependencies.ledger, nowMs });
  const rotated = await changeAgain({
    read: () => standingKey(id, keys),
    apply: (key) => withNewSecret(key, { hint, graceMs: graceSeconds * 1_000, nowMs }),
    put: (key) => keys.rotate(key, dependencies.hashSecret(secret)),
  });
  return jsonResponse(200, withSecret(keyView(rotated, budgets, nowMs), secret));
}

const withSecret = <View extends { readonly id: string }>({ id, ...view }: View, secret: string) => ({
  id,
  key: secret,
  ...view,
});

/** Changes a key that is not revoked. @throws GatewayError `not_found`, and `invalid_request` for a revoked one */
export const changeStanding = (
  id: string,
  keys: KeyStore,
  apply: (key: VirtualKey) => VirtualKey,
): Promise<VirtualKey> =>
  changeAgain({ read: () => standingKey(id, keys), apply, put: (key) => keys.update(key) });

/** A key that exists and is not revoked. */
async function standingKey(id: string, keys: KeyStore): Promise<VirtualKey> {
  const key = await existingKey(id, keys);
  if (key.state === 'revoked')
    throw new GatewayError('invalid_request', `The key ${key.id} is revoked; it cannot be changed.`);
  return key;
}

/** The key of an id. @throws GatewayError `not_found` */
async function existingKey(idText: string, keys: KeyStore): Promise<VirtualKey> {
  const key = await keys.find(readKeyId(idText));
  if (key === undefined) throw noSuchKey(idText);
  return key;
}

/** The id as it stands in the path; what cannot be one is looked up nowhere. */
function readKeyId(text: string): VirtualKeyId {
  if (!/^key_[A-Za-z0-9_-]{1,64}$/.test(text)) throw noSuchKey(text);
  return virtualKeyId(text);
}

const noSuchKey = (id: string): GatewayError =>
  new GatewayError('not_found', `There is no key with the id ${JSON.stringify(id.slice(0, 80))}.`, {
    param: 'id',
  });

/** A key with where its budgets stand now. */
async function viewNow(key: VirtualKey, { ledger, clock }: Pick<KeyRouteDependencies, 'ledger' | 'clock'>) {
  const nowMs = clock.now();
  return keyView(key, await standingBudgets(scopeOf(key), key, { ledger, nowMs }), nowMs);
}

const scopeOf = ({ id }: VirtualKey): Scope => ({ kind: 'key', id });

/** What is counted for a key that has just been made. */
const NOTHING_COUNTED: Pick<Ledger, 'counters'> = { counters: () => Promise.resolve(undefined) };
