import type { FindingLevel } from '../../core/finding.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';
import type { RuleId } from './family.ts';
import type { Fix, InFile, Primitive, ScannedName, SubjectName, Subjects, SuiteRun } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** Context of a rule besides its subject. */
export interface Context {
  readonly config: Config;
  readonly kinds: Kinds;
  readonly tree: WorkTree;
  /** All primitives of the repository, also those that were not selected. */
  readonly primitives: readonly Primitive[];
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
  /** Files outside of a primitive's folder that its image includes, with the ids of the checked primitives. */
  readonly shipped: ReadonlyMap<string, readonly string[]>;
  /** The suites that were run; empty if none was. */
  readonly runs: readonly SuiteRun[];
}

/** A place or a test case that a finding also concerns. */
export interface Related {
  readonly message: string;
  readonly path?: string;
  readonly line?: number;
}

/** Problem that a rule reports; rule, level and fingerprint are put in by `judge`. */
export interface Problem {
  /** One sentence that begins with the thing; without line numbers, which shift. */
  readonly message: string;
  /** Relative to the root of the repository; that of the subject unless given. */
  readonly path?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  /** Identifies the finding after lines have shifted; by default the message. */
  readonly key?: string;
  readonly fix?: Fix;
  readonly related?: readonly Related[];
}

/** A rule: `rules/<ID>.ts`, with its page `rules/<ID>.md`. */
export interface Rule<S extends SubjectName = SubjectName> {
  readonly id: RuleId;
  readonly level: FindingLevel;
  /** Fault in a few words: `Required file is missing`. */
  readonly title: string;
  readonly subject: S;
  /** `@acme/rust@1.0.0`; absent for ours. */
  readonly plugin?: string;
  /** Its page, Markdown, if it has no file. */
  readonly page?: string;
  /**
   * Where what is found in a file is judged: in folders of primitives alone unless given, in all that their images take
   * in, or in every file of the repository.
   */
  readonly within?: 'image' | 'repository';
  /** If it finds something, other checks of the same thing could not run: suppressed, that is said as not checked. */
  readonly blocks?: true;
  check(subject: Subjects[S], context: Context): readonly Problem[] | Promise<readonly Problem[]>;
}

export type AnyRule = { [S in SubjectName]: Rule<S> }[SubjectName];

/** A file as a scan sees it. */
export interface ScannedFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Decoded, without a byte order mark; undefined for a binary file. */
  readonly text: string | undefined;
}

/**
 * Finds subjects in one file. What it finds depends on path and content alone, because it is cached by them and by
 * `version`: increase that with every change of what is found.
 */
export interface Scan<S extends ScannedName = ScannedName> {
  readonly subject: S;
  readonly version: number;
  applies(path: string): boolean;
  scan(
    file: ScannedFile,
  ): readonly Omit<Subjects[S], keyof InFile>[] | Promise<readonly Omit<Subjects[S], keyof InFile>[]>;
}

export type AnyScan = { [S in ScannedName]: Scan<S> }[ScannedName];
