/** The command line or the environment is wrong: the message says how, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The control plane refused, or did not answer: the exit code is 1. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly requestId: string | undefined;

  constructor(message: string, requestId?: string) {
    super(message);
    this.requestId = requestId;
  }
}
