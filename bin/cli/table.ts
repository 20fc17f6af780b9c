/** A column of a table: its heading and where its text stands. */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

/** Lines of aligned columns, two spaces between them; nothing stands behind the last text of a line. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(printable));
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...clean.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return columns[index]?.align === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [columns.map(({ heading }) => heading), ...clean].map(line).join('\n');
}

/** Text without what a terminal would obey, whoever named things that way. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

/** Dollars: cents, or as many digits as a small amount needs. */
export function formatUsd(amount: number): string {
  if (amount === 0 || Math.abs(amount) >= 0.1)
    return amount.toLocaleString('en-US', { style: 'currency', currency: 'USD' });
  return `$${amount.toLocaleString('en-US', { maximumSignificantDigits: 3, maximumFractionDigits: 9 })}`;
}
