import type { BuiltPurse, FamilyView, SeenPurse, View } from './as-built-views.ts';
import { takeFrom } from './design.ts';
import { fold, reserveIn } from './holding.ts';
import type { Write } from './store.ts';
import type { MicroUsd, Request, World } from './world.ts';

export const FOLD_AFTER_MS = 60_000;
const FOLD_APART_MS = 100;
const SHARED_PURSES = 20;
const BUSY_GAP_MS = 1_000;
const UPKEEP_AFTER_MS = 30_000;
const REQUESTS_AHEAD = 32;
/** Of a budget never seen, this share is taken to be left. */
const SHARE_UNSEEN = 0.1;
/** So many open requests are a crowd. */
const PLACES = 6;

/** As `lambda/domain/money/lease.ts`. */
export interface Terms {
  readonly allowance: MicroUsd;
  readonly foldAfterMs: number;
  readonly isShared: boolean;
}

/** @param share of what a scope has left, which all its purses together may have in hand */
export function termsOf(
  share: number,
  view: View,
  { key: { chain }, shards }: FamilyView,
  estimate: MicroUsd,
): Terms {
  let allowance = REQUESTS_AHEAD * estimate;
  let holders = shards;
  for (const scope of chain) {
    const known = view.scopes.get(scope);
    const sharing = Math.max(shards, known?.holders ?? 1);
    const left = known?.left ?? SHARE_UNSEEN * scope.limit;
    holders = Math.max(holders, sharing);
    allowance = Math.min(allowance, Math.max(0, Math.floor((share * left) / sharing)));
  }
  const foldAfterMs = Math.max(FOLD_AFTER_MS, holders * FOLD_APART_MS);
  return { allowance, foldAfterMs, isShared: holders >= SHARED_PURSES };
}

export const isBusy = ({ isShared }: Terms, { shards }: FamilyView, gapMs: number): boolean =>
  isShared || shards > 1 || gapMs < BUSY_GAP_MS;

export const seen = (purse: BuiltPurse): SeenPurse => ({
  isOpen: purse.index.has(purse),
  room: purse.room,
});

export const isCrowded = ({ open }: BuiltPurse): boolean => open.size >= PLACES;

export const reserveInPurse = (purse: BuiltPurse, request: Request): Write =>
  reserveIn(purse, request, PLACES);

/** A transaction that takes money from every scope and reserves in the purse; `met` says who refused it. */
export function leaseTo(
  world: World,
  purse: BuiltPurse,
  {
    request,
    before,
    extra,
    foldAfterMs,
  }: {
    readonly request: Request;
    readonly before: SeenPurse;
    readonly extra: MicroUsd;
    readonly foldAfterMs: number;
  },
): { readonly writes: readonly Write[]; readonly met: { isAsKnown: boolean } } {
  const isOpening = !before.isOpen;
  const used = Math.min(request.estimate, Math.max(0, before.room));
  const granted = request.estimate - used + extra;
  const met = { isAsKnown: true };
  const own: Write = {
    item: purse.item,
    units: isOpening ? 1.5 : 1,
    isDone: () => purse.open.has(request),
    condition: () => {
      const isRight = purse.index.has(purse) !== isOpening;
      met.isAsKnown = isRight && purse.room >= used && !isCrowded(purse);
      return met.isAsKnown;
    },
    apply: () => {
      if (isOpening) open(world, purse, foldAfterMs);
      purse.room += granted - request.estimate;
      purse.open.set(request, request.estimate);
    },
  };
  const scopes = request.key.chain.map((scope) => takeFrom(world, scope, granted, isOpening ? 1 : 0));
  return { writes: [own, ...scopes], met };
}

function open({ kernel: { nowMs } }: World, purse: BuiltPurse, foldAfterMs: number): void {
  purse.index.add(purse);
  const foldedBeforeMs = Math.max(0, purse.foldedAtMs);
  const lookAtMs = nowMs + foldAfterMs + UPKEEP_AFTER_MS;
  Object.assign(purse, { foldedBy: {}, foldedBeforeMs, foldedAtMs: nowMs, lookAtMs });
}

/**
 * A transaction that moves what was spent up to the scopes and gives the room back. Upkeep looks at the purse again when the
 * first of its reservations expires, if that is sooner than usual.
 */
export function foldOf(world: World, purse: BuiltPurse, foldAfterMs: number): readonly Write[] {
  const { leaves, foldedAtMs } = purse;
  const isClosing = purse.open.size === 0;
  const dueAtMs = world.kernel.nowMs + foldAfterMs + UPKEEP_AFTER_MS;
  const expiries = [...purse.open.keys()].map(({ expiresAtMs }) => expiresAtMs);
  const [own, ...others] = fold(world, [purse]);
  if (own === undefined) throw new Error('A fold writes to its purse.');
  return [
    {
      ...own,
      // Its place in the index changes, or ends.
      units: isClosing ? 1.5 : 2,
      condition: () => own.condition?.() === true && (!isClosing || purse.leaves === leaves),
      apply: () => {
        own.apply?.();
        purse.foldedBeforeMs = foldedAtMs;
        purse.lookAtMs = Math.min(dueAtMs, ...expiries);
      },
    },
    ...others,
  ];
}
