/**
 * Asks every scenario of every pair of dialects, by the official SDKs over real HTTP with recorded answers, and prints what came of it.
 *
 *     node scripts/matrix.ts [--caller gemini] [--provider openai-chat]
 */
import { parseArgs } from 'node:util';
import { startMatrix, type Verdict } from '../test/matrix/matrix.ts';
import { isRecorded, MATRIX_DIALECTS, SCENARIOS } from '../test/matrix/scenarios.ts';

const { values } = parseArgs({ options: { caller: { type: 'string' }, provider: { type: 'string' } } });

const chosen = (name: string | undefined): (typeof MATRIX_DIALECTS)[number][] =>
  MATRIX_DIALECTS.filter((dialect) => name === undefined || name === dialect);

const SIGNS: Readonly<Record<Verdict['type'], string>> = { green: 'green', refused: 'refused', red: 'RED' };

const matrix = await startMatrix();
const counts = { green: 0, refused: 0, red: 0 };
const notes: string[] = [];
console.log(`| caller | provider | ${SCENARIOS.join(' | ')} |`);
console.log(`| --- | --- |${' --- |'.repeat(SCENARIOS.length)}`);
for (const caller of chosen(values.caller))
  for (const provider of chosen(values.provider)) {
    const cells: string[] = [];
    for (const scenario of SCENARIOS) {
      const verdict = await matrix.run(caller, provider, scenario);
      counts[verdict.type] += 1;
      cells.push(SIGNS[verdict.type] + (isRecorded(provider, scenario) ? '' : '°'));
      if (verdict.type === 'refused') notes.push(`${caller} → ${provider}, ${scenario}: ${verdict.message}`);
      if (verdict.type === 'red')
        notes.push(`${caller} → ${provider}, ${scenario}: ${verdict.faults.join('; ')}`);
    }
    console.log(`| ${caller} | ${provider} | ${cells.join(' | ')} |`);
  }
await matrix.close();
console.log(`\n${counts.green} green, ${counts.refused} refused by design, ${counts.red} red.`);
console.log('° Nothing of the kind was recorded of this dialect: the answer is OpenAI’s, written in it.');
for (const note of notes) console.log(`- ${note}`);
if (counts.red > 0) process.exitCode = 1;
