/** How a case failed. */
export type Failure =
  /** It ran, and what it got is not what it wants. */
  | 'assertion'
  /** It failed on the marker of a stub that scaffold wrote. */
  | 'scaffold'
  /** Its code does not compile. */
  | 'compile'
  /** The runner could not load its file. */
  | 'collection'
  /** Its process ended before it did. */
  | 'panic'
  /** It, or its suite, took too long. */
  | 'timeout';

/** One case of a suite; a package or file without cases counts as one that failed. */
export interface TestCase {
  /** As the runner reports it. */
  readonly id: string;
  /** Package, class or file, for reports. */
  readonly group: string;
  readonly outcome: 'passed' | 'skipped' | Failure;
  /** The end of what it printed, or why it failed. */
  readonly output: string;
  /** Message of a compiler, one sentence without its place: the same for the same code. */
  readonly message?: string;
  /** Relative to the root of the repository, where the runner says it. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Result of the output of a runner. */
export interface RunnerOutput {
  readonly exitCode: number;
  /** True where the time limit ended it. */
  readonly timedOut: boolean;
  readonly stderr: string;
}

/** Characters of output that are kept of each case. */
export const MAX_OUTPUT = 16 * 1024;

/** The end of a text, from the start of a line if there is more. */
export function tail(text: string): string {
  if (text.length <= MAX_OUTPUT) return text;
  const cut = text.slice(-MAX_OUTPUT);
  return cut.slice(cut.indexOf('\n') + 1);
}

export function executed(cases: readonly TestCase[]): readonly TestCase[] {
  return cases.filter(
    ({ outcome }) => outcome === 'passed' || outcome === 'assertion' || outcome === 'scaffold',
  );
}

export function isFailure(outcome: TestCase['outcome']): outcome is Failure {
  return outcome !== 'passed' && outcome !== 'skipped';
}
