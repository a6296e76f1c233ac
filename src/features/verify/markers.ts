import type { Scan } from './rule.ts';

/** What scaffold leaves in code that a person has to write. */
export const MARKER = 'AMEIDE_SCAFFOLD';

/** Finds markers in files of any type. */
export const markerScan: Scan<'marker'> = {
  subject: 'marker',
  version: 1,
  applies: () => true,
  scan({ text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (!content.includes(MARKER)) return [];
    return content.split('\n').flatMap((line, index) =>
      [...line.matchAll(new RegExp(`${MARKER}[^"'\`<\\r]*`, 'g'))].map((match) => ({
        line: index + 1,
        column: match.index + 1,
        text: match[0].trimEnd().slice(0, 200),
      })),
    );
  },
};
