/**
 * All that `@ameide/primitive/plugin` offers: its types, in one file that imports nothing. The package has it as
 * `plugin.d.ts`.
 *
 * Version 0.x: a release may change it until it is frozen. `api` in the manifest of a plugin names the version that it was
 * written for, and no other is loaded.
 */

/** The version of this file, as manifests name it. */
export type ApiVersion = '0.1';

// Results

/**
 * 0 done; 1 findings; 2 usage, or refused before any effect; 3 a tool, the network or a credential failed; 70 a bug; 130 and
 * 143 ended by a signal.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 70 | 130 | 143;

/** Details of an error besides code and message. None of them may be a secret. */
export interface ErrorDetails {
  /** The fact behind the message, one sentence. */
  readonly why?: string;
  /** Next steps, most likely first: commands that can be copied. */
  readonly suggestions?: readonly string[];
  /** 2 unless given. */
  readonly exit?: ExitCode;
  /** Whether the same call may succeed later without a change. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** The error that users see (`primitive.error/v1`); anything else that is thrown is reported as a bug. */
export declare class PrimitiveError extends Error {
  /** `code` is stable and in kebab-case, the thing first: `toolchain-missing`. */
  constructor(code: string, message: string, details?: ErrorDetails);
  readonly code: string;
  readonly why: string | undefined;
  readonly suggestions: readonly string[];
  readonly exit: ExitCode;
  readonly retryable: boolean;
}

/** Something that is wrong, as data. */
export interface Finding {
  readonly rule: string;
  readonly level: 'error' | 'warning' | 'info';
  /** One sentence that begins with the thing. */
  readonly message: string;
  /** Relative to the root of the repository, with `/`. */
  readonly path?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1, in UTF-16 code units. */
  readonly column?: number;
}

/** Marks text for people; without colour it changes nothing. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  /** Puts one line after a prefix; on a terminal its further lines are put below its first one. */
  hang(prefix: string, text: string): string;
  /** Whether `hang` wraps lines: on a terminal. */
  readonly wraps: boolean;
}

/** The outcome of a command, in every form of output. */
export interface Outcome {
  /** For `--json` and `--report json=FILE`: plain data. `schema` names its format: `acme.audit/v1`. */
  readonly document: { readonly schema: string };
  /** For people, ended by a newline. */
  readonly text: (style: Style) => string;
  readonly exit: ExitCode;
  /** Other formats of `--report`, by name. */
  readonly reports?: Readonly<Record<string, () => string>>;
  /** Only in GitHub Actions. */
  readonly github?: {
    /** Shown as annotations. */
    readonly findings?: readonly Finding[];
    /** Appended to GITHUB_OUTPUT. */
    readonly outputs?: Readonly<Record<string, string>>;
    /** Markdown, appended to GITHUB_STEP_SUMMARY. */
    readonly summary?: () => string;
  };
}

/** Events while a command runs; shown on stderr in the form that suits it. */
export type Event =
  | { readonly type: 'step'; readonly step: string; readonly message: string }
  | {
      readonly type: 'item';
      readonly item: string;
      readonly status: 'waiting' | 'active' | 'done' | 'failed';
      readonly state: string;
      readonly detail?: string;
    }
  | { readonly type: 'log'; readonly item: string; readonly line: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

// Commands

/** How a program is started: an argument array, never a shell. */
export interface RunOptions {
  /** Absolute. */
  readonly cwd?: string;
  /** Added to what is inherited; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  /** Each line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Session of a command. */
export interface Session {
  /** Absolute, links resolved; after `--directory`. */
  readonly cwd: string;
  /** Of primitive. */
  readonly version: string;
  readonly ci: 'github' | 'other' | undefined;
  /** Aborted by SIGINT, SIGTERM and SIGHUP: pass it on. */
  readonly signal: AbortSignal;
  /** Reports progress. Never throws. */
  emit(event: Event): void;
  /** The folder of `primitive.config.yaml`. Throws `config-…` (exit 2). */
  root(): Promise<string>;
  /** The primitives of the work tree, sorted by id. Throws `config-…`, `git-…` (exit 2). */
  primitives(): Promise<readonly PrimitiveData[]>;
  /**
   * Starts a program of PATH, never one of the repository, without credentials to sign. Resolves for every exit code; throws
   * `tool-…` (exit 3) if it cannot be started, and the reason of the signal.
   */
  run(
    program: string,
    args: readonly string[],
    options?: RunOptions,
  ): Promise<{ readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: string }>;
}

/** Properties of all flags and arguments. */
export interface FlagOptions {
  /** One line for `--help`. */
  readonly summary?: string;
  /** One letter. */
  readonly char?: string;
  readonly required?: boolean;
  readonly hidden?: boolean;
  /** Flags that exclude this one. */
  readonly exclusive?: readonly string[];
  readonly dependsOn?: readonly string[];
}

/** A flag or an argument, and the type of its value. */
export interface Parameter<T> {
  /** Never there: it carries the type. */
  readonly value?: T;
}

/** Makes flags. */
export interface Flags {
  boolean(
    options?: FlagOptions & { readonly default?: boolean; readonly allowNo?: boolean },
  ): Parameter<boolean>;
  string(
    options: FlagOptions & {
      readonly default: string;
      readonly helpValue?: string;
      readonly options?: readonly string[];
    },
  ): Parameter<string>;
  string(
    options?: FlagOptions & { readonly helpValue?: string; readonly options?: readonly string[] },
  ): Parameter<string | undefined>;
  integer(
    options?: FlagOptions & { readonly helpValue?: string; readonly min?: number; readonly max?: number },
  ): Parameter<number | undefined>;
  /** `--report FORMAT=FILE`: JSON, and the formats that are named and in `reports` of the outcome. */
  report(...formats: readonly string[]): Parameter<unknown>;
  /** `--events ndjson`. */
  events(): Parameter<string | undefined>;
  /** `--verbose`. */
  verbose(): Parameter<boolean>;
}

/** Makes positional arguments. */
export interface Args {
  string(options: { readonly description?: string; readonly required: true }): Parameter<string>;
  string(options?: { readonly description?: string }): Parameter<string | undefined>;
}

export declare const flags: Flags;
export declare const args: Args;

/** Flags that every command has. */
export interface GlobalFlags {
  readonly json: boolean;
  readonly directory: string | undefined;
  readonly config: string | undefined;
  readonly 'no-input': boolean;
}

type Values<P> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

/**
 * A command: the default export of a module below the folder that `oclif.commands` names. It returns what it came to;
 * `--json`, `--report`, `--events`, errors, exit codes and Ctrl-C are as in all commands.
 */
export declare abstract class BaseCommand {
  /** One line for `--help`. */
  static summary: string;
  static description?: string;
  static examples?: readonly { readonly description: string; readonly command: string }[];
  static flags: Readonly<Record<string, Parameter<unknown>>>;
  static args: Readonly<Record<string, Parameter<unknown>>>;
  /** `return this.act(flags, async (session) => …)` after `this.parse`. */
  abstract run(): Promise<ExitCode>;
  protected parse<
    C extends {
      readonly flags?: Readonly<Record<string, Parameter<unknown>>>;
      readonly args?: Readonly<Record<string, Parameter<unknown>>>;
    },
  >(
    command: C,
  ): Promise<{ readonly flags: Values<C['flags']> & GlobalFlags; readonly args: Values<C['args']> }>;
  protected act(
    flags: GlobalFlags & Readonly<Record<string, unknown>>,
    work: (session: Session) => Promise<Outcome>,
  ): Promise<ExitCode>;
}

// Rules of verify

/** A folder `primitives/<kind>/<name>`. */
export interface PrimitiveData {
  /** `domain/orders` */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  /** Relative to the root of the repository. */
  readonly path: string;
  /** As `kind.yaml` says; undefined if the kind is unknown. */
  readonly language: string | undefined;
  /** Relative to `path`, sorted; without files that git ignores. */
  readonly files: readonly string[];
}

/** A text file of a primitive. */
export interface FileData {
  /** Relative to the root of the repository. */
  readonly path: string;
  /** Decoded, without a byte order mark. */
  readonly text: string;
  readonly primitive: PrimitiveData;
}

/** Subjects of rules: `subject` of the manifest selects one. */
export interface Subjects {
  readonly primitive: PrimitiveData;
  readonly file: FileData;
}

/** A problem that a rule reports. Rule, level and fingerprint are added. */
export interface Problem {
  /** One sentence that begins with the thing; without line numbers, which shift. */
  readonly message: string;
  /** A path in the primitive, relative to the root of the repository; that of the subject unless given. */
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  /** Identifies the finding after lines have shifted; by default the message. */
  readonly key?: string;
  readonly fix?: { readonly kind: 'command' | 'edit' | 'text'; readonly text: string };
}

/**
 * A rule: the default export of the module that the manifest names. It judges the data that it is given and nothing else:
 * it runs in a process of its own that has no module of Node, no `process`, no network and no files but those of the plugin.
 * If it throws or takes too long, the report is `INT-008` and never passed.
 */
export type Rule<S extends keyof Subjects> = (
  subject: Subjects[S],
) => readonly Problem[] | Promise<readonly Problem[]>;

// Hooks

/** One component of a publish. */
export interface ComponentData {
  readonly kind: string;
  readonly name: string;
  /** `registry/path`, without a tag. */
  readonly image: string;
}

/** Data of hooks, by event. */
export interface HookEvents {
  /** Of publish: before the first effect, also of a dry run. */
  readonly plan: {
    readonly commit: string;
    readonly tier: string;
    readonly dryRun: boolean;
    readonly components: readonly (ComponentData & { readonly action: string; readonly reason: string })[];
  };
  /** Of publish: all that is planned is sealed, and no tag of the commit is written. */
  readonly sealed: {
    readonly commit: string;
    readonly components: readonly (ComponentData & { readonly digest: string })[];
  };
  /** Of publish: the release record is written. */
  readonly published: {
    readonly commit: string;
    /** `registry/primitive-releases:<sha>@sha256:…` */
    readonly record: string;
    readonly components: readonly (ComponentData & { readonly ref: string })[];
  };
  /** Of verify: all is judged. */
  readonly verified: {
    readonly verdict: 'passed' | 'partial' | 'failed' | 'incomplete';
    readonly primitives: readonly string[];
    readonly findings: readonly (Finding & { readonly fingerprint: string })[];
  };
  /** Of every command: before its work begins. */
  readonly before: { readonly command: string };
  /** Of every command that came to an end, before it is shown. */
  readonly after: {
    readonly command: string;
    readonly exit: ExitCode;
    readonly document: { readonly schema: string };
  };
}

/** Session of a hook. */
export type HookSession = Pick<Session, 'cwd' | 'version' | 'ci' | 'signal' | 'emit'>;

/**
 * A hook: the default export of the module that the manifest names for the event. If it throws, the command fails: with the
 * `PrimitiveError` that it throws, or with `hook-failed`.
 */
export type Hook<E extends keyof HookEvents> = (
  event: HookEvents[E],
  session: HookSession,
) => void | Promise<void>;
