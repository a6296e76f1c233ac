import type { PrimitiveError } from '../../../src/core/errors.ts';
import type { BaselineFile } from '../../../src/features/verify/baseline.ts';
import type { RuleId } from '../../../src/features/verify/family.ts';
import type { CompareProto } from '../../../src/features/verify/proto-changes.ts';
import type { Regenerated } from '../../../src/features/verify/subjects.ts';
import type { Recorded } from './suites.ts';
import type { Files } from './tree.ts';

/** A small repository in which a rule finds something, or in which it comes close and must find nothing. */
export interface CorpusCase {
  readonly rule: RuleId;
  /** A language, or a format of files; a rule has enough cases for each. */
  readonly language: string;
  readonly name: string;
  /** Laid over the base of the family. */
  readonly files: Files;
  /** Runs the suites of one primitive: what its runner did. */
  readonly suite?: {
    readonly primitive: string;
    readonly recorded: Recorded;
    /** Why its toolchain cannot be used. */
    readonly tool?: 'tool-not-found' | 'tool-too-old' | 'tool-broken';
  };
  /** What generators would change, or why they cannot run. */
  readonly generated?: readonly Regenerated[] | PrimitiveError;
  /** What buf says that proto files break, or why it cannot compare them; undefined where the earlier ones do not compile. */
  readonly compared?: Awaited<ReturnType<CompareProto>> | PrimitiveError;
  /** The file that `--baseline` names. */
  readonly baseline?: BaselineFile;
  /** Files in which no scan finds an end. */
  readonly endless?: readonly string[];
  /** What the rule ACME-001 of a plugin does with a primitive. */
  readonly plugin?: (subject: { readonly path: string }) => unknown;
  /** A file of the base that is not there. */
  readonly without?: string;
  /** `path:line` of the finding, or its path where no line is known; undefined for a near miss, where no rule of the family may find anything. */
  readonly finds: string | undefined;
}

/** The cases of a family, and the repository that they all start from. */
export interface Corpus {
  readonly base: Files;
  readonly cases: readonly CorpusCase[];
}

/** The repository of a case. */
export function filesOf({ base }: Corpus, { files, without }: CorpusCase): Files {
  return Object.fromEntries(Object.entries({ ...base, ...files }).filter(([path]) => path !== without));
}

/** `RULE path:line`, as cases have it. */
export function shown({ rule, path, line }: { rule: string; path: string; line?: number }): string {
  return `${rule} ${path}${line === undefined ? '' : `:${line}`}`;
}
