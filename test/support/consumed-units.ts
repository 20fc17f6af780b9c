import type { ServiceOutputTypes } from '@aws-sdk/client-dynamodb';

/** The units an answer says it took: one statement for an item, a list of them for a transaction. */
export const unitsOf = (output: ServiceOutputTypes): number =>
  'ConsumedCapacity' in output
    ? [output.ConsumedCapacity ?? []]
        .flat()
        .reduce((sum, each) => sum + ('CapacityUnits' in each ? (each.CapacityUnits ?? 0) : 0), 0)
    : 0;
