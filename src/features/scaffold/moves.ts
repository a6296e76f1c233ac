import type { Digest } from '../../core/digest.ts';
import { byCodeUnit } from '../../core/order.ts';

/** A file that the template no longer has under its path. */
export interface GoneFile {
  /** The last text of the template for it. */
  readonly digest: Digest;
  /** The text of that; undefined if it cannot be read. */
  readonly base: string | undefined;
}

/** A file that the template did not have before. */
export interface AddedFile {
  readonly digest: Digest;
  readonly text: string;
}

/** The part of the lines of two files that has to be the same, as for a rename in git. */
const SIMILAR = 0.5;

/** Lines that two files have to have in common: short ones are alike by chance. */
const FEWEST = 5;

/**
 * Which new file of a template is one that it has renamed: the path now -> the path before. The same bytes count first, then
 * the most lines in common. Pure, and the same for any order of the files.
 */
export function findMoves(
  gone: ReadonlyMap<string, GoneFile>,
  fresh: ReadonlyMap<string, AddedFile>,
): ReadonlyMap<string, string> {
  const pairs = [...fresh].flatMap(([path, { digest, text }]) =>
    [...gone].flatMap(([from, before]) => {
      const likeness =
        before.digest === digest ? 1 : before.base === undefined ? 0 : likenessOf(before.base, text);
      return likeness >= SIMILAR ? [{ path, from, likeness }] : [];
    }),
  );
  pairs.sort((a, b) => b.likeness - a.likeness || byCodeUnit(a.path, b.path) || byCodeUnit(a.from, b.from));
  const moves = new Map<string, string>();
  const taken = new Set<string>();
  for (const { path, from } of pairs) {
    if (moves.has(path) || taken.has(from)) continue;
    moves.set(path, from);
    taken.add(from);
  }
  return moves;
}

/** The part of the lines of both that they have in common, however often each is there; 0 for too few. */
function likenessOf(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split('\n').filter((line) => line.trim() !== ''));
  if (a === undefined || b === undefined) return 0;
  const counts = new Map<string, number>();
  for (const line of a) counts.set(line, (counts.get(line) ?? 0) + 1);
  let common = 0;
  for (const line of b) {
    const left = counts.get(line) ?? 0;
    if (left === 0) continue;
    counts.set(line, left - 1);
    common += 1;
  }
  // Below 1, which the same bytes alone have.
  return common < FEWEST ? 0 : Math.min((2 * common) / (a.length + b.length), 0.999);
}
