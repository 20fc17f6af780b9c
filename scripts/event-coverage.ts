/**
 * Prints how often the arbitrary behind the properties of the dialects generates each member of the event union.
 *
 *     node scripts/event-coverage.ts [--sequences 10000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { eventCoverage } from '../test/dialects/event-coverage.ts';

const { values } = parseArgs({
  options: { sequences: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const counts = eventCoverage(Number(values.sequences), Number(values.seed));
for (const [label, count] of counts) console.log(`${String(count).padStart(8)}  ${label}`);
