import { PrimitiveError } from '../../../core/errors.ts';
import type { RunOptions } from '../../../toolchain/process.ts';
import type { SuitePorts } from '../ports.ts';
import type { Fix, Primitive } from '../subjects.ts';
import type { RunnerOutput, TestCase } from './suite.ts';
import type { TestCode } from './test-code.ts';

/** One of a kind's `suites`. */
export type Suite = NonNullable<NonNullable<Primitive['kind']>['suites']>[number];

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
      readonly fix?: Fix;
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

/** Tools of a runner besides its suite. */
export interface RunnerTools {
  /** The toolchain of the primitive's language: the file that was found and asked for its version. */
  readonly tool: string;
  readonly code: TestCode;
}

export type Runner = (
  primitive: Primitive,
  suite: Suite,
  ports: SuitePorts,
  tools: RunnerTools,
) => Promise<Ran>;

/** Nothing is downloaded, and what is compiled does not depend on the folder, so that Go finds it in its cache. */
export const GO_ENVIRONMENT = {
  GOWORK: 'off',
  GOPROXY: 'off',
  GOTOOLCHAIN: 'local',
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
};

/** A module that is not in the cache; undefined where all are. */
export function missingModule(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => /GOPROXY=off|module lookup disabled/.test(line))
    ?.trim();
}

/** The variables that a suite names. */
export function grantedTo({ env = [] }: Suite, { grantable }: SuitePorts): NonNullable<RunOptions['env']> {
  return Object.fromEntries(
    env.flatMap((name) => (grantable[name] === undefined ? [] : [[name, grantable[name]]])),
  );
}

/** Starts a runner; the time limit ends it with all that it started. */
export async function start(
  program: string,
  args: readonly string[],
  { processes, limit, signal }: SuitePorts,
  options: RunOptions,
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
