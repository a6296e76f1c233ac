import wrapAnsi from 'wrap-ansi';
import type { Hang } from './style.ts';
import { textWidth } from './table.ts';

/** Columns that text needs beside what it hangs from; with fewer it begins on a line of its own. */
const NARROWEST = 24;
/** Blanks before text that begins on a line of its own. */
const INDENT = 4;

/**
 * Wraps text between words at the width of a terminal. A word that is longer than a line, such as a reference with its
 * digest, stays whole, so that it can be copied.
 */
export function hangWithin(columns: number): Hang {
  return (before, line) => {
    // Blanks at the front of a line are its indent, not text that may be trimmed.
    const text = line.trimStart();
    const prefix = before + line.slice(0, line.length - text.length);
    const start = textWidth(prefix);
    if (start + textWidth(text) <= columns) return `${prefix}${text}`;
    const indent = columns - start < NARROWEST ? Math.min(INDENT, start) : start;
    const lines = wrapAnsi(text, Math.max(1, columns - indent), { hard: false, trim: true });
    const blanks = ' '.repeat(indent);
    const first = indent === start ? prefix : `${prefix.trimEnd()}\n${blanks}`;
    return `${first}${lines.replaceAll('\n', `\n${blanks}`)}`;
  };
}
