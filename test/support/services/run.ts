import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** The CLI from its sources. */
export const devCli = join(import.meta.dirname, '../../../bin/dev.js');

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. */
export function attempt(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      {
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...process.env, ...options.env },
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      },
    );
    // A program that ends without reading its input is no error here: its exit code tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

/** Runs a program and returns what it wrote on stdout; anything but exit code 0 is an error with its stderr. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await attempt(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}\nexit code ${code}\n${stderr}${stdout}`);
  return stdout;
}

/**
 * Runs a script of Node as {@link attempt} does, by root without its right to ignore the modes of files: another user
 * might not reach this checkout.
 */
export function attemptUnprivileged(
  script: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const bounds = '--bounding-set=-dac_override,-dac_read_search';
  return attempt('setpriv', [bounds, process.execPath, script, ...args], options);
}
