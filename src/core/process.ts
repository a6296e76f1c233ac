import type { Need } from './credentials.ts';
import type { Variables } from './variables.ts';

/** How one program is started: always an argument array, never a shell. */
export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the inherited environment; a value of undefined removes the variable. */
  readonly env?: Variables;
  /**
   * Written to the program's stdin, which is closed after it; stdin is empty otherwise. Parts that come one after the
   * other can answer what the program wrote: a conversation.
   */
  readonly input?: string | Uint8Array | AsyncIterable<string>;
  /** Called with each complete line of stderr and stdout as it comes, without its line end; not for stdout if `stdout` takes it. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /**
   * Takes stdout chunk by chunk instead of collecting it: constant memory for output of any size. The next chunk is
   * read once the promise is fulfilled; a throw ends the program and is what `run` throws. `RunResult.stdout` is empty.
   */
  readonly stdout?: (chunk: Uint8Array) => void | Promise<void>;
  /** Limit of collected stdout in bytes, default 64 MiB; more ends the program with an error. */
  readonly maxStdout?: number;
  /** The credentials of the environment that the program needs; those of others are not in what it inherits. */
  readonly needs?: Need;
  readonly signal?: AbortSignal;
  /** Milliseconds after which the program is ended. */
  readonly timeout?: number;
  /** Strings that are replaced by `***` in everything that is reported about this run: lines, stderr, errors; not in stdout's bytes, which are data. */
  readonly secrets?: readonly string[];
}

/** The result of a run, for every exit code. */
export interface RunResult {
  /** 128 + the signal's number if a signal ended it. */
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** Decoded; the last 64 KiB if there was more, from the start of a line. */
  readonly stderr: string;
}

/**
 * Starts programs. Implemented by `adapters/process`, the only place that does.
 *
 * `run` resolves for every exit code; it throws `PrimitiveError` `tool-not-found` (exit 3) when it finds no such
 * program, `tool-in-repository` (exit 3) for one in the checkout, `tool-not-started` (exit 3) when the system refuses to start it, `tool-timeout` (exit 3) after `timeout`,
 * `tool-output-too-large` (exit 3) beyond `maxStdout`, and the signal's reason after an abort.
 * On abort the whole process group of the child is ended before it returns.
 */
export interface Processes {
  run(program: string, args: readonly string[], options?: ProgramOptions): Promise<RunResult>;
}
