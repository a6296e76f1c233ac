import { MARKED, MARKER } from '../../core/marker.ts';
import type { Scan } from './rule.ts';
import { looksRandom } from './secrets/assignments.ts';

/** Finds markers in files of any type. */
export const markerScan: Scan<'marker'> = {
  subject: 'marker',
  version: 3,
  applies: () => true,
  scan({ text, bytes }) {
    const content = text ?? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (!content.includes(MARKER)) return [];
    return content.split('\n').flatMap((line, index) =>
      [...line.matchAll(MARKED)].map((match) => ({
        line: index + 1,
        column: match.index + 1,
        text: withoutSecrets(match[0].trimEnd().slice(0, 200)),
      })),
    );
  },
};

/** Text of the repository that is reported, without words that look like a secret. */
export function withoutSecrets(text: string): string {
  return text.replace(/[^\s=:,;()]{8,}/g, (word) => (looksRandom('token', word) ? '***' : word));
}
