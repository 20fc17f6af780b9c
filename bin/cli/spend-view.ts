import * as z from 'zod';
import { formatTable, formatUsd } from './table.ts';

const spendSums = z.object({
  requests: z.number(),
  cost_usd: z.number(),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
});
const spendReport = z.object({
  from: z.string(),
  to: z.string(),
  group_by: z.array(z.string()),
  data: z.array(z.looseObject(spendSums.shape)),
  omitted_rows: z.number(),
  total: spendSums,
});

/** A spend report as a table with its sum below. */
export function spendText(answer: unknown): string {
  const report = spendReport.parse(answer);
  const groups = report.group_by.flatMap((group) => (group === 'key' ? ['key', 'key_name'] : [group]));
  const table = formatTable(
    [
      ...groups.map((group) => ({ heading: group.replace('_', ' ').toUpperCase() })),
      { heading: 'REQUESTS', align: 'right' },
      { heading: 'COST', align: 'right' },
      { heading: 'PROMPT TOKENS', align: 'right' },
      { heading: 'COMPLETION TOKENS', align: 'right' },
    ],
    [
      ...report.data.map((row) => [
        ...groups.map((group) => String(row[group] ?? '(none)')),
        ...sumCells(row),
      ]),
      [...groups.map((_group, index) => (index === 0 ? 'total' : '')), ...sumCells(report.total)],
    ],
  );
  const omitted = report.omitted_rows === 0 ? '' : `\n\n${report.omitted_rows} cheaper rows are left out.`;
  return `${report.from} to ${report.to} (UTC)\n\n${table}${omitted}`;
}

const sumCells = (sums: z.output<typeof spendSums>): readonly string[] => [
  sums.requests.toLocaleString('en-US'),
  formatUsd(sums.cost_usd),
  sums.prompt_tokens.toLocaleString('en-US'),
  sums.completion_tokens.toLocaleString('en-US'),
];
