import { stripVTControlCharacters } from 'node:util';

/**
 * Aligned columns, two spaces apart, no trailing blanks, each row ended by a newline. Cells may carry colour, which
 * takes no width; the last column is not padded.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)));
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** Code points: names and digests are ASCII, and loading string-width takes longer than planning a scaffold. */
function width(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}
