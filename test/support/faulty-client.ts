import {
  type DynamoDBClient,
  ProvisionedThroughputExceededException,
  type ServiceInputTypes,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { makeDynamoClient } from '../../lambda/adapters/dynamodb/client.ts';

/**
 * What can go wrong with a call, as the service does it and the embedded engine never does. `lost-answer`: the call is
 * carried out, then its answer is lost. `refused`: nobody listens. `crash`: the process is gone before the call, which no
 * code may catch and mend; `crash-after`: right after it.
 */
export type Fault = 'conflict' | 'throttled' | 'lost-answer' | 'refused' | 'crash' | 'crash-after';

/** One call to the store. */
export interface StoreCall {
  /** `UpdateItemCommand`. */
  readonly command: string;
  readonly input: ServiceInputTypes;
  readonly isWrite: boolean;
}

/** Stands for a process that died: never a foreseen error. */
export class ProcessDied extends Error {}

/** A client of the engine on whose calls `plan` may bring a fault. */
export function faultyClient(endpoint: string, plan: (call: StoreCall) => Fault | undefined): DynamoDBClient {
  const client = makeDynamoClient(endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const command = context.commandName ?? '';
      const fault = plan({ command, input: args.input, isWrite: /Transact|Update|Put|Delete/.test(command) });
      if (fault === undefined) return next(args);
      if (fault === 'lost-answer' || fault === 'crash-after') await next(args);
      throw errorOf(fault, command, args.input);
    },
    { step: 'initialize', name: 'faults' },
  );
  return client;
}

/** Faults of the first calls that match, in this order; all other calls succeed. */
export function scriptedFaults(
  faults: readonly Fault[],
  matches: (call: StoreCall) => boolean = (call) => call.isWrite,
): (call: StoreCall) => Fault | undefined {
  const left = [...faults];
  return (call) => (matches(call) ? left.shift() : undefined);
}

/** Faults of writes by chance, the same ones for the same seed. */
export function randomFaults(
  seed: number,
  shares: Partial<Record<Fault, number>>,
): (call: StoreCall) => Fault | undefined {
  const random = seededRandom(seed);
  return (call) => {
    if (!call.isWrite) return undefined;
    let drawn = random();
    for (const [fault, share] of Object.entries(shares)) {
      drawn -= share;
      // The names come from a record of faults.
      if (drawn < 0) return fault as Fault;
    }
    return undefined;
  };
}

/** Numbers in [0, 1) that look random (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function errorOf(fault: Fault, command: string, input: ServiceInputTypes): Error {
  const metadata = { $metadata: { httpStatusCode: 400 }, message: 'injected' };
  const items = 'TransactItems' in input ? (input.TransactItems ?? []) : [];
  const isTransaction = command.startsWith('Transact');
  switch (fault) {
    case 'conflict':
      return isTransaction
        ? cancelled(items.length, 'TransactionConflict')
        : new TransactionConflictException(metadata);
    case 'throttled':
      if (isTransaction) return cancelled(items.length, 'ThrottlingError');
      return command.startsWith('Put')
        ? new ProvisionedThroughputExceededException(metadata)
        : new ThrottlingException(metadata);
    case 'lost-answer':
      return Object.assign(new Error('injected: no answer'), { name: 'TimeoutError', code: 'ETIMEDOUT' });
    case 'refused':
      return Object.assign(new Error('injected: connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    case 'crash':
    case 'crash-after':
      return new ProcessDied(`injected: the process died at ${command}`);
  }
}

/** The last item conflicts: a scope, or the roll-up. */
const cancelled = (items: number, code: string): TransactionCanceledException =>
  new TransactionCanceledException({
    $metadata: { httpStatusCode: 400 },
    message: 'injected',
    CancellationReasons: Array.from({ length: items }, (_, index) => ({
      Code: index === items - 1 ? code : 'None',
    })),
  });
