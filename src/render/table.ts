import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.ts';

/**
 * Aligned columns, two spaces apart, no trailing blanks, each row ended by a newline. Cells may carry colour, which
 * takes no width. The last column is not padded, and is wrapped on a terminal: what can be long goes there.
 */
export function table(rows: readonly (readonly string[])[], { hang }: Pick<Style, 'hang'>): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, textWidth(cell));
    });
  }
  return rows
    .map((row) => {
      const cells = row.slice(0, -1).map((cell, column) => padTo(cell, widths[column] ?? 0));
      const prefix = cells.map((cell) => `${cell}  `).join('');
      return `${hang(prefix, row.at(-1) ?? '').trimEnd()}\n`;
    })
    .join('');
}

/** A text with blanks after it up to a width. */
function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Columns that a text takes: code points, as names and digests are ASCII, and loading string-width takes longer than planning a scaffold. */
export function textWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
