import { GatewayError } from '../domain/errors.ts';
import type { Timeouts } from '../domain/gateway-config.ts';

/** Why a call was ended from our side. */
export type AbortCause =
  | { readonly type: 'client-gone' }
  | { readonly type: 'timeout'; readonly error: GatewayError; readonly isDeploymentsFault: boolean };

/** A limit on one kind of waiting. */
export interface TimeLimit {
  readonly durationMs: number;
  /**
   * Whether passing it speaks against the deployment. Not where the caller chose it: an impatient caller must not move
   * everybody's traffic. Nor where others have used up the time.
   */
  readonly isDeploymentsFault: boolean;
}

/** The time limits of one upstream call, and the signal that ends it when one is passed. */
export interface CallLimits {
  readonly signal: AbortSignal;
  /** Why the signal has aborted; `undefined` while it has not. */
  cause(): AbortCause | undefined;
  /**
   * Content has come. From now on silence is measured between chunks, and only while one is waited for: that a caller
   * takes slowly what has come is no fault of the provider's.
   */
  chunkCame(): void;
  waitForChunk(): void;
  /** Ends the call as the caller is gone. */
  abandon(): void;
  /** Stops all timers. To be called once the call is over, however it ended. */
  release(): void;
}

/**
 * Bounds one call: in all, until its first content, and between chunks.
 * @param total what is left until the request's deadline
 * @param firstContent `undefined` for answers that come whole, whose first byte is their last
 */
export function limitCall(options: {
  readonly total: TimeLimit;
  readonly firstContent: TimeLimit | undefined;
  readonly timeouts: Timeouts;
  readonly callerSignal: AbortSignal;
}): CallLimits {
  const controller = new AbortController();
  let cause: AbortCause | undefined;
  const abort = (why: AbortCause): void => {
    cause ??= why;
    controller.abort();
  };
  let isWaiting = true;
  const expire = (limit: TimeLimit, what: string): void => {
    const error = new GatewayError('upstream_timeout', `${what} within ${limit.durationMs} ms.`);
    abort({ type: 'timeout', error, isDeploymentsFault: limit.isDeploymentsFault && isWaiting });
  };
  const after = (limit: TimeLimit, what: string): NodeJS.Timeout =>
    setTimeout(() => expire(limit, what), Math.max(1, limit.durationMs));

  const total = after(options.total, 'The provider did not finish');
  let idle: NodeJS.Timeout | undefined;
  const firstContent =
    options.firstContent === undefined
      ? undefined
      : after(options.firstContent, 'The provider sent no content');
  const onSilence = (): void => {
    const limit = { durationMs: options.timeouts.idleMs, isDeploymentsFault: true };
    if (isWaiting) expire(limit, 'The provider sent nothing more');
  };
  const onGone = (): void => abort({ type: 'client-gone' });
  if (options.callerSignal.aborted) onGone();
  options.callerSignal.addEventListener('abort', onGone, { once: true });

  return {
    signal: controller.signal,
    cause: () => cause,
    waitForChunk() {
      isWaiting = true;
      idle = idle?.refresh() ?? setTimeout(onSilence, options.timeouts.idleMs);
    },
    chunkCame() {
      isWaiting = false;
      clearTimeout(firstContent);
    },
    abandon: onGone,
    release() {
      clearTimeout(total);
      clearTimeout(firstContent);
      clearTimeout(idle);
      options.callerSignal.removeEventListener('abort', onGone);
    },
  };
}
