/** How one program is started: always an argument array, never a shell. */
export interface RunOptions {
  readonly cwd?: string;
  /** Added to the inherited environment; a value of undefined removes the variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the program's stdin, which is closed after it; stdin is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Called with each complete line of stderr and stdout as it comes, without its line end. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  readonly signal?: AbortSignal;
  /** Milliseconds after which the program is ended. */
  readonly timeout?: number;
  /** Strings that are replaced by `***` in everything that is reported about this run. */
  readonly secrets?: readonly string[];
}

/** What is left of a run that ended, whatever its exit code. */
export interface RunResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  /** Decoded; the last 64 KiB where there was more. */
  readonly stderr: string;
}

/**
 * Starts programs. Implemented by `adapters/process`, the only place that does.
 *
 * `run` resolves for every exit code; it throws `PrimitiveError` `tool-not-found` (exit 3) when there is no such
 * program, `tool-timeout` (exit 3) after `timeout`, and the signal's reason after an abort.
 * On abort the whole process group of the child is ended before it returns.
 */
export interface Processes {
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}
