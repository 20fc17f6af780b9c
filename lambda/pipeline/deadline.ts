import { GatewayError } from '../domain/errors.ts';
import type { Timeouts } from '../domain/gateway-config.ts';

/** Why a call was ended from our side. */
export type AbortCause =
  | { readonly type: 'client-gone' }
  | { readonly type: 'timeout'; readonly error: GatewayError };

/** The time limits of one upstream call, and the signal that ends it when one is passed. */
export interface CallLimits {
  readonly signal: AbortSignal;
  /** Why the signal has aborted; `undefined` while it has not. */
  cause(): AbortCause | undefined;
  /** The first content has come: from now on silence is measured between chunks. */
  startIdleTimer(): void;
  /** A chunk has come. */
  touch(): void;
  /** Ends the call as the caller is gone. */
  abandon(): void;
  /** Stops all timers. To be called once the call is over, however it ended. */
  release(): void;
}

/**
 * Bounds one call: in all, until its first content, and between chunks.
 * @param leftMs what is left until the request's deadline
 * @param firstContentMs `undefined` for answers that come whole, whose first byte is their last
 */
export function limitCall(options: {
  readonly leftMs: number;
  readonly firstContentMs: number | undefined;
  readonly timeouts: Timeouts;
  readonly callerSignal: AbortSignal;
}): CallLimits {
  const controller = new AbortController();
  let cause: AbortCause | undefined;
  const abort = (why: AbortCause): void => {
    cause ??= why;
    controller.abort();
  };
  const expire = (what: string, durationMs: number) => (): void =>
    abort({
      type: 'timeout',
      error: new GatewayError('upstream_timeout', `${what} within ${durationMs} ms.`),
    });
  const after = (durationMs: number, what: string): NodeJS.Timeout =>
    setTimeout(expire(what, durationMs), Math.max(1, durationMs));

  const total = after(options.leftMs, 'The provider did not finish');
  let silence: NodeJS.Timeout | undefined =
    options.firstContentMs === undefined
      ? undefined
      : after(options.firstContentMs, 'The provider sent no content');
  const onGone = (): void => abort({ type: 'client-gone' });
  if (options.callerSignal.aborted) onGone();
  options.callerSignal.addEventListener('abort', onGone, { once: true });

  return {
    signal: controller.signal,
    cause: () => cause,
    startIdleTimer() {
      clearTimeout(silence);
      silence = after(options.timeouts.idleMs, 'The provider sent nothing more');
    },
    touch() {
      silence?.refresh();
    },
    abandon: onGone,
    release() {
      clearTimeout(total);
      clearTimeout(silence);
      options.callerSignal.removeEventListener('abort', onGone);
    },
  };
}
