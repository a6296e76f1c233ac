import type { Style } from './style.ts';

/** Lines that stay as they are: headings, fences, tables, and what is indented. */
const VERBATIM = /^(?:#|```|\||\s)/;

/** A Markdown page of ours for reading: paragraphs and list items are rewrapped on a terminal, code stays as it is. */
export function pageText(page: string, { wraps, hang }: Style): string {
  if (!wraps) return page;
  const blocks: { prefix: string; text: string }[] = [];
  let open = false;
  let inCode = false;
  for (const line of page.trimEnd().split('\n')) {
    if (line.startsWith('```')) inCode = !inCode;
    const [, marker = '', rest = line] = /^((?:-|\d+\.) +)(\S.*)?$/.exec(line) ?? [];
    const last = blocks.at(-1);
    if (inCode || line === '' || (VERBATIM.test(line) && !(open && line.startsWith(' ')))) {
      blocks.push({ prefix: line, text: '' });
      open = false;
    } else if (open && last && marker === '') {
      last.text += ` ${line.trim()}`;
    } else {
      blocks.push({ prefix: marker, text: rest });
      open = true;
    }
  }
  return `${blocks.map(({ prefix, text }) => (text === '' ? prefix : hang(prefix, text))).join('\n')}\n`;
}
