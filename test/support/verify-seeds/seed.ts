import type { Family } from '../../../src/features/verify/family.ts';
import type { CorpusCase } from '../verify-corpus/case.ts';
import type { Files } from '../verify-corpus/tree.ts';

/** A violation that is put into a clean repository. */
export interface Seed {
  /** What it tries, as the table has it: `tokens`. */
  readonly group: string;
  readonly name: string;
  readonly families: readonly Family[];
  /** The clean repository, and what is laid over it. */
  readonly base: Files;
  readonly files: Files;
  /** Of the run; all of the repository unless given. */
  readonly mode?: 'primitives' | 'repo';
  /** Whether suites would be run, if there was one. */
  readonly tests?: boolean;
  /** A case of the corpus of the rules: all of its run. */
  readonly one?: CorpusCase;
  /** Where nothing says anything of it: the words of `docs/verify.md` that say so, with the reason. */
  readonly limit?: string;
}

/** What became of a seed: a finding, a warning or a line of what was not checked, or nothing. */
export type Outcome = 'caught' | 'said' | 'silent';
