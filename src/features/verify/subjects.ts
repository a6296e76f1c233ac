import type { PinnedReference } from '../../builders/dockerfile/pins.ts';
import type { Finding } from '../../core/finding.ts';
import type { CompiledModel } from '../../kinds/generators/bpmn/compile.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { LanguageId } from '../../languages/all.ts';
import type { Target } from '../../languages/packages.ts';
import type { ParsedSource } from '../../languages/source.ts';
import type { TestCase } from '../../languages/test-case.ts';
import type { Problem as PluginProblem } from '../../plugins/api.ts';
import type { Component } from '../../repository/component.ts';
import type { PrimitiveManifest } from '../../repository/provenance.ts';
import type { BaselineEntry } from './baseline-document.ts';
import type { Family } from './family.ts';
import type { Secret } from './secrets/secret.ts';
import type { Suppression } from './suppressions-document.ts';

/**
 * Subjects of rules, by name. A subject is plain data, read from the repository once and judged by every rule of its
 * name. A subject that a scan finds is cached as JSON: it must survive that, and must not hold a secret.
 */
export interface Subjects {
  readonly primitive: Primitive;
  readonly dockerfile: DockerfileSubject;
  readonly deploymentFile: DeploymentFile & InFile;
  readonly marker: Marker & InFile;
  readonly source: Source & InFile;
  readonly import: Import & InFile;
  readonly secret: Secret & InFile;
  readonly file: InFile;
  readonly generated: GeneratedSubject;
  readonly protoChanges: ProtoChanges;
  readonly composeFile: ComposeFile;
  readonly handlerCode: HandlerCode & InFile;
  readonly model: ModelSubject;
  readonly foreign: ForeignProblem;
  readonly obstacle: Obstacle;
  readonly lockFault: LockFault;
  readonly suite: SuiteRun;
  readonly testFile: TestFile;
  readonly writtenFile: WrittenFile;
  readonly suppression: JudgedSuppression;
  readonly baselineEntry: StaleEntry;
}
export type SubjectName = keyof Subjects;

/** One subject with its name. */
export type Fact = { [S in SubjectName]: { readonly subject: S; readonly value: Subjects[S] } }[SubjectName];

/** Where a scanned subject was found; put in by the runner. */
export interface InFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The primitive that the file belongs to. */
  readonly primitive: Primitive | undefined;
  /** Ids of the checked primitives that take the file into their image from outside of their folder, sorted. */
  readonly shippedBy: readonly string[];
}

/** The subjects that scans find. */
export type ScannedName = {
  [S in Exclude<SubjectName, 'file'>]: Subjects[S] extends InFile ? S : never;
}[Exclude<SubjectName, 'file'>];

/** A folder `primitives/<kind>/<name>` of the work tree. */
export interface Primitive {
  /** `domain/orders`, as its folder says. */
  readonly id: string;
  /** Relative to the root of the repository. */
  readonly path: string;
  /** The kind of that name; undefined if no such kind exists. */
  readonly kind: Kind | undefined;
  /** Its `primitive.yaml`; undefined if it is missing or cannot be read. */
  readonly manifest: PrimitiveManifest | undefined;
  /** Component for publish; undefined if its `primitive.yaml` is missing or invalid. */
  readonly component: Component | undefined;
  /** Why `component` is missing although there is a `primitive.yaml`; empty otherwise. */
  readonly faults: readonly Omit<Finding, 'rule' | 'level'>[];
  /** Relative to `path`, sorted; without files that git ignores. */
  readonly files: readonly string[];
}

/** Dockerfile of a primitive, as rules judge it. */
export interface DockerfileSubject {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** Why it cannot be read, and the line; all else is empty then. */
  readonly fault: { readonly message: string; readonly line?: number } | undefined;
  /** Images from outside, in any stage and for any platform. */
  readonly images: readonly PinnedReference[];
  /** Who runs the last stage that is built; the line of its FROM if it has no USER. */
  readonly user: { readonly line: number; readonly name: string | undefined };
  /** Variables of `ENV` and `ARG` with the values that are written there. */
  readonly variables: readonly Variable[];
  /** What `ADD` gets from elsewhere, and whether a digest or a commit says which bytes. */
  readonly remotes: readonly { readonly line: number; readonly source: string; readonly isPinned: boolean }[];
}

/** A variable of `ENV`, or an argument. */
export interface Variable {
  readonly line: number;
  readonly instruction: 'ENV' | 'ARG';
  readonly name: string;
  /** Without quotes; undefined for an argument without a default. */
  readonly value: string | undefined;
}

/** Something that a GitOps repository holds, and no code repository. */
export interface DeploymentFile {
  readonly line: number;
  /** `Helm chart`, or the kind of the object: `Deployment`. */
  readonly what: string;
}

/** A place where the marker is left. */
export interface Marker {
  readonly line: number;
  readonly column: number;
  /** From the marker to the end of its string or line: `AMEIDE_SCAFFOLD: CreateItem is not implemented`. */
  readonly text: string;
}

/** A file of code. */
export interface Source extends ParsedSource {
  readonly language: LanguageId;
}

/** An import with what it leads to. */
export interface Import {
  readonly language: LanguageId;
  /** As written; for `from a import b` in Python, `a.b` if that is a module. */
  readonly specifier: string;
  /** Python: what is imported from it; each may be a module. */
  readonly names: readonly string[];
  readonly typeOnly: boolean;
  readonly line: number;
  readonly column: number;
  readonly target: Target;
  /** The primitive that the target belongs to. */
  readonly owner: Primitive | undefined;
  /** Whether the target is a proto file or code that is generated from one. */
  readonly proto: boolean;
  /** Given if it is a package of Go with code of a person beside what is generated. */
  readonly mixed?: true;
  /** The files through which it leads to `owner`, where `target` is not of a primitive itself. */
  readonly by?: readonly string[];
  /** Given if it is no import, but a text of code that names what a program may load. */
  readonly mentioned?: true;
  /** Given if it is no line of code, but of a manifest. */
  readonly inManifest?: true;
}

/** Output of a generator of a primitive, compared with the files on disk. */
export interface Regenerated {
  /** Id of the generator in `kind.yaml`. */
  readonly generator: string;
  readonly changes: readonly {
    /** Below the primitive's folder. */
    readonly path: string;
    /** Effect of generating on the file. */
    readonly change: 'created' | 'changed' | 'removed';
  }[];
}

/** Generators of a primitive, as rules judge them. */
export interface GeneratedSubject {
  /** The folder of the primitive, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  readonly results: readonly Regenerated[];
  /** Why a generator refuses its input; `results` is empty then. */
  readonly fault: { readonly code: string; readonly message: string } | undefined;
}

/** The compose file that generate wrote. */
export interface ComposeFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** As generate would write it now. */
  readonly wanted: string;
}

/** Proto files that a primitive serves, compared with those of an earlier commit. */
export interface ProtoChanges {
  /** The folder of the primitive, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** `release main`, or `merge base with origin/main`. */
  readonly with: string;
  /** The files that were compared, relative to the root of the repository. */
  readonly files: readonly string[];
  readonly changes: readonly ProtoChange[];
}

/** Something that what was made for earlier proto files does not find any more. */
export interface ProtoChange {
  /** `FIELD_SAME_NAME`, as buf calls it. */
  readonly rule: string;
  /** One sentence. */
  readonly message: string;
  /** Relative to the root of the repository; absent for what is in no file any more. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Something that a Go file of a process says of handlers. */
export type HandlerCode =
  /** It names the generated interface: the package has the handlers. */
  | { readonly type: 'interface' }
  /** A method that does a job. */
  | { readonly type: 'method'; readonly name: string; readonly line: number; readonly column: number };

/** The process model of a primitive, and the code that does its jobs. */
export interface ModelSubject {
  /** The BPMN file, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** Undefined if it has faults. */
  readonly model: Pick<CompiledModel, 'jobs' | 'computed'> | undefined;
  /** Its faults, and warnings, by the codes of the compiler. */
  readonly faults: readonly Finding[];
  /** Methods of the packages that implement the generated interface. */
  readonly handlers: readonly (Extract<HandlerCode, { type: 'method' }> & { readonly path: string })[];
}

/** Finding of a rule of a plugin, which ran in its own process. */
export interface ForeignProblem {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly rule: string;
  readonly problem: PluginProblem;
}

/** Obstacle that kept a check from running. Each cause has a rule of the family INT. */
export interface Obstacle {
  readonly cause: /** A program is not on PATH. */
    | 'tool-missing'
    /** A program is there in a wrong version, or failed where it has no reason to. */
    | 'tool-failed'
    /** Packages in the lock file of a primitive are not installed. */
    | 'dependencies-missing'
    /** The variable for the service of a required suite is not set. */
    | 'service-missing'
    /** The config requires suites, and the request leaves them out. */
    | 'tests-left-out'
    /** A file cannot be read. */
    | 'file-unreadable'
    /** A scan of a file took too long. */
    | 'scan-ended'
    /** A plugin is not loaded, or a rule of it failed. */
    | 'plugin-failed';
  /** Relative to the root of the repository: a file, or the folder of a primitive. */
  readonly path: string;
  /** One sentence that begins with the thing. */
  readonly message: string;
  readonly fix?: Fix;
  /** Whose rules could not judge; undefined for the suites. */
  readonly family?: Family;
}

/** How to put a finding right. */
export interface Fix {
  /** `command` can be run in the root of the repository, `edit` is a text to write at the place, `text` is advice. */
  readonly kind: 'command' | 'edit' | 'text';
  readonly text: string;
}

/** A manifest and a lock file that do not say the same. */
export interface LockFault {
  /** The lock file, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** One sentence that begins with the thing. */
  readonly message: string;
  readonly fix: Fix;
}

/** A suite that was run, once and by us. */
export interface SuiteRun {
  /** The folder of the primitive, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** `unit`, as `kind.yaml` says. */
  readonly suite: string;
  readonly required: boolean;
  /** In the order of group and id. */
  readonly cases: readonly TestCase[];
}

/** A test that no suite ran. */
export interface TestFile {
  /** The file, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** The case of it that was left out; without it no suite has loaded the file. */
  readonly left?: { readonly id: string; readonly line: number };
}

/** A file of the work tree that is not as it was before the suites. */
export interface WrittenFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly change: 'created' | 'changed' | 'removed';
}

/** An entry of the file, and what became of it: what rules judge. */
export interface JudgedSuppression {
  /** The file, relative to the root of the repository. */
  readonly path: string;
  readonly line: number;
  readonly suppression: Suppression;
  readonly state: 'used' | 'unused' | 'expired' | 'unjudged';
}

/** An entry of a baseline that covers no finding. */
export interface StaleEntry {
  /** Of the finding that it was, relative to the root of the repository. */
  readonly path: string;
  readonly entry: BaselineEntry;
  /** The baseline, as the user named it. */
  readonly file: string;
}
