import type { DeploymentId, RequestId } from './ids.ts';
import type { Cost } from './money/cost.ts';

/**
 * An answer as it is kept to be given again: the provider's own text, which decodes to the same frames every time, so that
 * it can be replayed as a stream or whole, in any dialect.
 */
export interface KeptAnswer {
  /** The request it was made for. */
  readonly requestId: RequestId;
  /** When that request came, in Unix milliseconds. */
  readonly startedAtMs: number;
  readonly deployment: DeploymentId;
  /** The dialect its text is written in: the provider's. */
  readonly dialect: string;
  /** Whether the text is a stream or one body. */
  readonly stream: boolean;
  readonly text: string;
  /** What had been left out of its request for the provider, as the caller was told. @default nothing */
  readonly dropped?: readonly string[];
  /** What it cost when it was made. */
  readonly cost: Cost;
  readonly keptAtMs: number;
  /** From this moment on it is not given any more. */
  readonly expiresAtMs: number;
}
