import { GatewayError } from '../domain/errors.ts';

/** How often a change is made again on top of somebody else's: revoking must win. */
const MAX_CHANGE_ATTEMPTS = 5;

/**
 * Changes what is stored: reads it, applies the change, puts it in place; and again where somebody else was quicker.
 * A change that answers what it was given writes nothing.
 * @throws GatewayError `idempotency_conflict` where others are quicker all the time
 */
export async function changeAgain<Value>(steps: {
  readonly read: () => Promise<Value>;
  readonly apply: (before: Value) => Value;
  readonly put: (after: Value) => Promise<Value>;
}): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await steps.read();
    const after = steps.apply(before);
    if (after === before) return before;
    try {
      return await steps.put(after);
    } catch (error) {
      const isLostRace = error instanceof GatewayError && error.code === 'idempotency_conflict';
      if (!isLostRace || attempt === MAX_CHANGE_ATTEMPTS) throw error;
    }
  }
}
