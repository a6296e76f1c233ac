import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What every service can do besides its own things: `await using` ends it. */
export interface Service extends AsyncDisposable {
  /** Ends it and removes its folder; a second call does nothing. */
  stop(): Promise<void>;
}

/** A started program, its log, and the way to end it. */
export interface Program {
  readonly pid: number;
  readonly logFile: string;
  /** Rejects with the log when it ends before `stop` is called; never resolves. */
  readonly failed: Promise<never>;
  /** Its exit code once it ended; undefined where a signal ended it or it never began. */
  readonly exit: Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  /** Folder for the log. */
  readonly folder: string;
  /** Name of the log file, when not the program's. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A new temporary folder for a service. */
export function serviceFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `primitive-${name}-`));
}

/** Removes a service's folder; files that a dying program still writes are tried again. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program that ends when we do; what it says goes into a log file. */
export function startProgram(program: string, args: readonly string[], options: ProgramOptions): Program {
  const logFile = join(options.folder, `${options.name ?? basename(program)}.log`);
  const log = openSync(logFile, 'a');
  const [command, ...rest] = dyingWithUs([program, ...args]);
  const child = spawn(command, rest, {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  let stopping = false;
  const ended = new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('exit', (code, signal) => done(`ended with ${signal ?? `code ${code}`}`));
  }).finally(() => running.delete(child));
  const failed = ended.then((how): Promise<never> => {
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`${basename(program)} ${how}\n${logTail(logFile)}`);
  });
  // Whoever waits for readiness sees it; a later death shows in the next request.
  failed.catch(() => {});
  return {
    pid: child.pid ?? -1,
    logFile,
    failed,
    exit: ended.then(() => child.exitCode ?? undefined),
    async stop() {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const abort = new AbortController();
      const late = sleep(5000, undefined, { signal: abort.signal }).then(
        () => child.kill('SIGKILL'),
        () => {},
      );
      await ended;
      abort.abort();
      await late;
    },
  };
}

/** Linux tells a child of its parent's death on request; elsewhere only our own orderly exit ends it. */
function dyingWithUs(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (process.platform !== 'linux' || setpriv === undefined) return command;
  return [setpriv, '--pdeathsig', 'TERM', '--', ...command];
}

/** The last lines of a log, for an error message. */
export function logTail(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
  } catch {
    return '(no log)';
  }
}

/** Polls until `ready` is true; ends the program and fails with its log when it dies first or time is over. */
export async function untilReady(
  program: Program,
  ready: () => Promise<boolean>,
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let over = false;
  const poll = async (): Promise<void> => {
    while (!over && !(await ready().catch(() => false))) {
      if (performance.now() > deadline) {
        throw new Error(`not ready after ${timeoutMs} ms\n${logTail(program.logFile)}`);
      }
      await sleep(20);
    }
  };
  try {
    await Promise.race([poll(), program.failed]);
  } catch (error) {
    await program.stop();
    throw error;
  } finally {
    over = true;
  }
}

/** True once an HTTP GET of the address gets one of the statuses. */
export async function answers(url: string, statuses: readonly number[] = [200]): Promise<boolean> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(20_000) });
  await response.body?.cancel();
  return statuses.includes(response.status);
}

/**
 * Starts a service in a fresh folder. When the start fails its folder is removed,
 * and a port that somebody else took in the meantime is tried again with others.
 */
export async function inFolder<T>(name: string, start: (folder: string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const folder = await serviceFolder(name);
    try {
      return await start(folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

/** A `stop` that runs its steps once, in order, and goes on to the next when one fails. */
export function stopper(...steps: readonly (() => Promise<unknown> | undefined)[]): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const all = async () => {
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'could not stop cleanly');
  };
  return () => {
    stopped ??= all();
    return stopped;
  };
}
