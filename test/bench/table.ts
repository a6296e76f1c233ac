/** What a bench found: printed, never asserted, because a timing on a busy machine proves nothing by itself. */
export interface BenchTable {
  readonly title: string;
  /** The first row names the columns. */
  readonly rows: readonly (readonly string[])[];
  /** What was aimed at, and what one must know to read the figures. */
  readonly notes: readonly string[];
}

/** Milliseconds of one run. */
export type Timed = () => Promise<number> | number;

/** How often all cases run; the first rounds fill caches and are not counted. */
export interface Rounds {
  readonly rounds: number;
  readonly warmup: number;
}

/** Median milliseconds of every case, see {@link inRounds}. */
export async function medians<K extends string>(
  cases: Readonly<Record<K, Timed>>,
  options: Rounds,
): Promise<Record<K, number>> {
  const times = Object.entries<readonly number[]>(await inRounds(cases, options));
  return Object.fromEntries(times.map(([name, values]) => [name, median(values)])) as Record<K, number>;
}

/**
 * Milliseconds of every case in every round. Rounds run all cases in turn, so that whatever else the machine does meets all
 * of them alike: what two cases took in one round may be compared.
 */
export async function inRounds<K extends string>(
  cases: Readonly<Record<K, Timed>>,
  { rounds, warmup }: Rounds,
): Promise<Record<K, readonly number[]>> {
  const names = Object.keys(cases) as K[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>;
  for (let round = 0; round < warmup + rounds; round += 1) {
    for (const name of balanced(names, round)) {
      const milliseconds = await cases[name]();
      if (round >= warmup) times[name].push(milliseconds);
    }
  }
  return times;
}

/** The ratio of two cases: the median of that of each round, and where there are several, from the least to the most. */
export function pairedRatio(of: readonly number[], to: readonly number[]): string {
  const ratios = of.map((milliseconds, round) => milliseconds / (to[round] ?? Number.NaN));
  const [middle, least, most] = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) =>
    ratio.toFixed(2),
  );
  return ratios.length > 1 ? `${middle} (${least} to ${most})` : `${middle}`;
}

/**
 * The order of a round: over twice as many rounds as there are cases, each case comes equally often after each other one
 * (a Williams design), so that none alone pays for what another leaves behind, such as garbage and cold caches.
 */
function balanced<T>(cases: readonly T[], round: number): readonly T[] {
  const order = cases.map((_, place) => {
    const step = place % 2 === 1 ? (place + 1) / 2 : cases.length - place / 2;
    return cases[(step + Math.floor(round / 2)) % cases.length] as T;
  });
  return round % 2 === 0 ? order : order.reverse();
}

/** The middle one; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
