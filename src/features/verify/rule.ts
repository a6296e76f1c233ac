import type { FindingLevel } from '../../core/finding.ts';
import type { Kind, Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../workspace/config.ts';
import type { Component } from '../../workspace/primitives.ts';
import type { Manifest } from '../../workspace/provenance.ts';
import type { DockerfileSubject } from './dockerfile.ts';
import type { GeneratedSubject } from './generated.ts';
import type { HandlerCode } from './handlers.ts';
import type { Import } from './imports/resolve.ts';
import type { Source } from './imports/source.ts';
import type { DeploymentFile } from './manifests.ts';
import type { Marker } from './markers.ts';
import type { ModelSubject } from './model.ts';
import type { Obstacle } from './obstacle.ts';
import type { Secret } from './secrets/secret.ts';
import type { SuiteRun, WrittenFile } from './suites/suite.ts';
import type { JudgedSuppression } from './suppressions.ts';
import type { WorkTree } from './work-tree.ts';

/** Families of rules, in the order of reports. */
export const FAMILIES = ['SHAPE', 'GEN', 'IMP', 'TEST', 'MARK', 'SEC', 'BPMN', 'INT'] as const;
export type Family = (typeof FAMILIES)[number];

/** `SHAPE-001`; an id is never given to another rule. */
export type RuleId = `${Family}-${string}`;

/**
 * What rules judge, by name. A subject is plain data, read from the repository once and judged by every rule of its
 * name. A subject that a {@link Scan} makes is cached as JSON: it must survive that, and must not hold a secret.
 */
export interface Subjects {
  readonly primitive: Primitive;
  readonly dockerfile: DockerfileSubject;
  readonly deploymentFile: DeploymentFile & InFile;
  readonly marker: Marker & InFile;
  readonly source: Source & InFile;
  readonly import: Import & InFile;
  readonly secret: Secret & InFile;
  readonly generated: GeneratedSubject;
  readonly handlerCode: HandlerCode & InFile;
  readonly model: ModelSubject;
  readonly obstacle: Obstacle;
  readonly suite: SuiteRun;
  readonly writtenFile: WrittenFile;
  readonly suppression: JudgedSuppression;
}
export type SubjectName = keyof Subjects;

/** Where a scanned subject was found; put in by the runner. */
export interface InFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The primitive that the file belongs to. */
  readonly primitive: Primitive | undefined;
}

/** A folder `primitives/<kind>/<name>` of the work tree. */
export interface Primitive {
  /** `domain/orders`, as its folder says. */
  readonly id: string;
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The kind of that name; undefined where no such kind exists. */
  readonly kind: Kind | undefined;
  /** Its `primitive.yaml`; undefined where it is missing or cannot be read. */
  readonly manifest: Manifest | undefined;
  /** What publish makes of it; undefined where its `primitive.yaml` is missing or invalid. */
  readonly component: Component | undefined;
  /** Why `component` is missing although there is a `primitive.yaml`. */
  readonly fault: { readonly message: string; readonly why: string | undefined } | undefined;
  /** Relative to `path`, sorted; without files that git ignores. */
  readonly files: readonly string[];
}

/** What a rule may look at besides its subject. */
export interface Context {
  readonly config: Config;
  readonly kinds: Kinds;
  readonly tree: WorkTree;
  /** All primitives of the repository, also those that were not selected. */
  readonly primitives: readonly Primitive[];
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
  /** The suites that were run; empty where none was. */
  readonly runs: readonly SuiteRun[];
}

/** How to put a finding right. */
export interface Fix {
  /** `command` can be run in the root of the repository, `edit` is a text to write at the place, `text` is advice. */
  readonly kind: 'command' | 'edit' | 'text';
  readonly text: string;
}

/** A place or a test case that a finding also concerns. */
export interface Related {
  readonly message: string;
  readonly path?: string;
  readonly line?: number;
}

/** What a rule says is wrong; rule, level and fingerprint are put in by `judge`. */
export interface Problem {
  /** One sentence that begins with the thing; without line numbers, which shift. */
  readonly message: string;
  /** Relative to the root of the repository; that of the subject unless given. */
  readonly path?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  /** What makes it the same finding after lines have shifted; the message unless given. */
  readonly key?: string;
  readonly fix?: Fix;
  readonly related?: readonly Related[];
}

/** A rule: `rules/<ID>.ts`, with its page `rules/<ID>.md`. */
export interface Rule<S extends SubjectName = SubjectName> {
  readonly id: RuleId;
  readonly level: FindingLevel;
  /** What is wrong where it fails, a few words: `Required file is missing`. */
  readonly title: string;
  readonly subject: S;
  check(subject: Subjects[S], context: Context): readonly Problem[] | Promise<readonly Problem[]>;
}

/** A rule of any subject. */
export type AnyRule = { [S in SubjectName]: Rule<S> }[SubjectName];

/** One subject with its name. */
export type Fact = { [S in SubjectName]: { readonly subject: S; readonly value: Subjects[S] } }[SubjectName];

/** The subjects that are found file by file. */
export type ScannedName = { [S in SubjectName]: Subjects[S] extends InFile ? S : never }[SubjectName];

/** A file as a scan sees it. */
export interface ScannedFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Decoded as UTF-8, without a byte order mark; undefined for a binary file. */
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

/** A scan of any subject. */
export type AnyScan = { [S in ScannedName]: Scan<S> }[ScannedName];

/** The family of a rule. */
export function familyOf(id: RuleId): Family {
  return id.slice(0, id.indexOf('-')) as Family;
}
