import { createContext, Script } from 'node:vm';
import { PrimitiveError } from '../../core/errors.ts';

/** The matches of a pattern of the config in a text. */
export interface Match {
  /** From 1. */
  readonly line: number;
  /** Where the value begins in the text, in UTF-16 code units. */
  readonly index: number;
  /** The group that was asked for. */
  readonly value: string;
}

/** A pattern of the rule `id` of the config. */
export interface OwnPattern {
  readonly id: string;
  readonly pattern: string;
  /** 0 is the whole match. */
  readonly group?: number;
}

/** Characters of a text that are searched at once: a search that starts again at each place is bounded by it. */
const PART = 2_000;
/** Characters that a part shares with the next one. */
const OVERLAP = 500;
/** Milliseconds for a file: the pattern takes linear time, and this is for what nobody thought of. */
const LIMIT = 1_000;
const SEARCH = new Script(`
  const own = new RegExp(pattern, 'gu');
  parts.flatMap(({ line, index, text }) =>
    Array.from(text.matchAll(own), (match) => ({
      line,
      index: index + match.index + match[0].indexOf(match[group] ?? ''),
      value: match[group] ?? '',
    })),
  );
`);

/**
 * Searches each line of a text. A line of more than {@link PART} characters is searched in parts, so that in it a match is at
 * most {@link OVERLAP} characters long; one that two parts have is there once.
 *
 * Throws `config-invalid` (exit 2) if the pattern takes too long for the file at `path`.
 */
export function searchLines(text: string, own: OwnPattern, path: string): readonly Match[] {
  const { id, pattern, group = 0 } = own;
  const context = createContext({ pattern, group, parts: partsOf(text) });
  let found: readonly Match[];
  try {
    found = SEARCH.runInContext(context, { timeout: LIMIT });
  } catch (cause) {
    throw new PrimitiveError(
      'config-invalid',
      `Cannot use the pattern of ${id} in \`verify.rules\`: ${JSON.stringify(pattern)}.`,
      {
        why: `it takes longer than ${LIMIT / 1000} s for ${path}`,
        suggestions: [
          'Write it so that each line can match in one way alone: no repetition of (a|a) or (a|ab).',
        ],
        cause,
      },
    );
  }
  const byPlace = new Map(found.map((match) => [match.index, match]));
  return [...byPlace.values()].sort((a, b) => a.index - b.index);
}

/** A part of a line. */
interface Part {
  readonly line: number;
  readonly index: number;
  readonly text: string;
}

function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  let start = 0;
  for (const [i, line] of text.split('\n').entries()) {
    for (let at = 0; at === 0 || at + OVERLAP < line.length; at += PART - OVERLAP)
      parts.push({ line: i + 1, index: start + at, text: line.slice(at, at + PART) });
    start += line.length + 1;
  }
  return parts;
}
