import { GatewayError } from '../domain/errors.ts';
import { type SecretHash, type VirtualKeyId, virtualKeyId } from '../domain/ids.ts';
import type { ScopeCounters } from '../domain/money/budget.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from '../http/message.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Ledger } from '../ports/ledger.ts';
import { inBatches } from './in-batches.ts';
import { changeKey, keyFromBody } from './key-body.ts';
import { keyView } from './key-view.ts';
import { readJsonObject } from './read-body.ts';

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

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 100;
const MAX_CURSOR_LENGTH = 2_000;
/** How often a change is made again on top of somebody else's: revoking must win. */
const MAX_CHANGE_ATTEMPTS = 5;

/** `POST /admin/keys`: the only answer that holds the secret. */
export async function createKey(
  request: HttpRequest,
  dependencies: KeyRouteDependencies,
): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const body = readJsonObject(request);
  const secret = dependencies.newSecret();
  const id = virtualKeyId(`key_${dependencies.newId()}`);
  const key = keyFromBody(body, { id, hint: secret.slice(-4), nowMs });
  await dependencies.keys.create(key, dependencies.hashSecret(secret));
  const { id: shownId, ...view } = keyView(key, undefined, nowMs);
  return jsonResponse(201, { id: shownId, key: secret, ...view });
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
  const changed = await change(id, dependencies.keys, (key) => {
    if (key.state === 'revoked')
      throw new GatewayError('invalid_request', `The key ${key.id} is revoked; it cannot be changed.`);
    return changeKey(key, body, nowMs);
  });
  return jsonResponse(200, await viewNow(changed, dependencies));
}

/** `DELETE /admin/keys/{id}`: revokes it, for good. The key, its spend and its records stay readable. */
export async function revokeKey(id: string, dependencies: KeyRouteDependencies): Promise<HttpResponse> {
  const nowMs = dependencies.clock.now();
  const revoked = await change(id, dependencies.keys, (key) =>
    key.state === 'revoked' ? key : { ...key, state: 'revoked', revokedAtMs: nowMs },
  );
  return jsonResponse(200, await viewNow(revoked, dependencies));
}

async function change(
  id: string,
  keys: KeyStore,
  apply: (key: VirtualKey) => VirtualKey,
): Promise<VirtualKey> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await existingKey(id, keys);
    const after = apply(before);
    if (after === before) return before;
    try {
      return await keys.update(after);
    } catch (error) {
      const isLostRace = error instanceof GatewayError && error.code === 'idempotency_conflict';
      if (!isLostRace || attempt === MAX_CHANGE_ATTEMPTS) throw error;
    }
  }
}

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

async function viewNow(key: VirtualKey, dependencies: KeyRouteDependencies) {
  return keyView(key, await countersOf(key, dependencies.ledger), dependencies.clock.now());
}

async function countersOf(
  key: VirtualKey,
  ledger: Pick<Ledger, 'counters'>,
): Promise<ScopeCounters | undefined> {
  return key.budgets.length === 0 ? undefined : await ledger.counters({ kind: 'key', id: key.id });
}

function readPage(query: URLSearchParams): { readonly limit: number; readonly cursor?: string } {
  const limitText = query.get('limit') ?? String(DEFAULT_PAGE);
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > LARGEST_PAGE)
    throw new GatewayError('invalid_request', `limit: must be a whole number from 1 to ${LARGEST_PAGE}.`, {
      param: 'limit',
    });
  const cursor = query.get('cursor');
  if (cursor !== null && cursor.length > MAX_CURSOR_LENGTH)
    throw new GatewayError('invalid_request', 'cursor: must be the next_cursor of an earlier answer.', {
      param: 'cursor',
    });
  return cursor === null || cursor === '' ? { limit } : { limit, cursor };
}
