import { PrimitiveError } from '../core/errors.ts';
import type { ProgramOptions } from '../core/process.ts';
import type { DeclaredTest } from './declared-test.ts';
import type { LockFile } from './package-manager.ts';
import type { RunnerPorts, TestedPrimitive } from './ports.ts';
import type { RunnerOutput, TestCase } from './test-case.ts';

/** Runs suites with one program. */
export interface SuiteRunner {
  readonly run: (
    primitive: TestedPrimitive,
    suite: Suite,
    ports: RunnerPorts,
    tools: RunnerTools,
  ) => Promise<Ran>;
  /** The files with tests that a suite would load, without running it; missing for what checks code. */
  readonly files?: (
    primitive: TestedPrimitive,
    suite: Suite,
    ports: RunnerPorts,
    tools: Omit<RunnerTools, 'lock'>,
  ) => Promise<ReadonlySet<string>>;
}

/** One of a kind's `suites`. */
export interface Suite {
  readonly id: string;
  readonly args: readonly string[];
  /** Variables that it is granted. */
  readonly env?: readonly string[];
}

/** Tools of a runner besides its suite. */
export interface RunnerTools {
  /** The toolchain of the primitive's language: the file that was found and asked for its version. */
  readonly tool: string;
  readonly code: TestCode;
  readonly lock: LockFile;
}

/** The files of a primitive that look like tests by the conventions of their language, with the tests in them. */
export type TestCode = ReadonlyMap<string, readonly KeyedTest[]>;

/** A test as it is written, with the key of its cases. */
export interface KeyedTest extends DeclaredTest {
  readonly key: string;
}

/** The cases of a run, or what kept it from running. */
export type Ran =
  | {
      readonly cases: readonly TestCase[];
      /** Files, relative to the root of the repository, that the settings of the runner leave out, and why. */
      readonly leftOut?: { readonly files: readonly string[]; readonly why: string };
      /** Of a runner of tests: what it loaded and did not run. */
      readonly reach?: Reach;
    }
  /** There is nothing for it to do, as half a sentence. */
  | { readonly nothing: string }
  | {
      readonly cause: 'dependencies-missing' | 'tool-failed';
      readonly why: string;
      readonly fix?: { readonly kind: 'command' | 'text'; readonly text: string };
    };

/** The files that a suite loads, and the cases in them that it leaves out. */
export interface Reach {
  /** Relative to the root of the repository. */
  readonly files: ReadonlySet<string>;
  /** The cases that have a result, by their keys. */
  readonly ran: ReadonlySet<string>;
  /** Cases that were collected and have no result. */
  readonly left: readonly LeftOut[];
}

/** A case that a suite left out. */
export interface LeftOut {
  /** The same in every suite. */
  readonly key: string;
  readonly id: string;
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly line: number;
}

/** Key of a case in all suites of a primitive. */
export function keyOf(place: string, id: string): string {
  return `${place} ${id}`;
}

/** The variables that a suite names. */
export function grantedTo(
  { env = [] }: Suite,
  { grantable }: Pick<RunnerPorts, 'grantable'>,
): NonNullable<ProgramOptions['env']> {
  return Object.fromEntries(
    env.flatMap((name) => (grantable[name] === undefined ? [] : [[name, grantable[name]]])),
  );
}

/** Starts a runner; the time limit ends it with all that it started. */
export async function start(
  program: string,
  args: readonly string[],
  { processes, limit, signal }: RunnerPorts,
  options: ProgramOptions,
): Promise<RunnerOutput & { readonly stdout: string }> {
  try {
    const { exitCode, stdout, stderr } = await processes.run(program, args, {
      ...options,
      timeout: limit,
      signal,
    });
    return { exitCode, stdout: Buffer.from(stdout).toString(), stderr, timedOut: false };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PrimitiveError) || error.code !== 'tool-timeout') throw error;
    return { exitCode: 124, stdout: '', stderr: error.message, timedOut: true };
  }
}

/** The files with tests that the paths among the arguments of a suite name; all without such a path. */
export function filesNamed(
  primitive: TestedPrimitive,
  suite: Suite,
  code: TestCode,
  matcher: (argument: string) => (path: string) => boolean,
): ReadonlySet<string> {
  const matches = suite.args.filter((one) => !one.startsWith('-')).map(matcher);
  const isMeant = (path: string) =>
    matches.length === 0 || matches.some((match) => match(path.slice(primitive.path.length + 1)));
  return new Set([...code.keys()].filter(isMeant));
}
