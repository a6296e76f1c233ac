import { env } from 'node:process';

/** Whether nothing is left out. */
export const isWhole = env.PRIMITIVE_TEST_CASES === 'all';

/**
 * Chooses which cases of a long list run: the day, so that CI runs others tomorrow. `PRIMITIVE_TEST_SEED` repeats the
 * choice of another day; `PRIMITIVE_TEST_CASES=all` runs every case.
 */
export const seed = Number(env.PRIMITIVE_TEST_SEED ?? Math.floor(Date.now() / 86_400_000));

/** What repeats the cases of this run, for the log. */
export const choice = isWhole ? 'PRIMITIVE_TEST_CASES=all' : `PRIMITIVE_TEST_SEED=${seed}`;

/** One case in `parts`; seeds that follow each other choose different ones, and `parts` of them all. */
export function partOf<T>(cases: readonly T[], parts: number): readonly T[] {
  if (isWhole) return cases;
  return cases.filter((_, index) => (index + seed) % parts === 0);
}

/** `count` numbers for cases that are made by lot, four times as many where every case is to run; each seed has others. */
export function seeds(count: number): readonly number[] {
  const length = isWhole ? 4 * count : count;
  return Array.from({ length }, (_, index) => seed * length + index);
}
