import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, chown, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tool } from '../../tools/locate.ts';
import { freePort } from './ports.ts';
import { attempt, run } from './run.ts';
import { inFolder, removeFolder, type Service, startProgram, stopper, untilReady } from './service.ts';

/** Postgres on loopback with one empty database. */
export interface Postgres extends Service {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`; anybody on this machine may connect. */
  readonly url: string;
  /** Runs statements as the owner of everything; what they return, a line for each row with `|` between its columns. */
  execute(sql: string, database?: string): Promise<readonly string[]>;
  /** Ends all its processes with SIGKILL, and starts it again; returns once it answers. */
  crash(): Promise<void>;
  /** Stops all its processes with SIGSTOP until the returned function is called: connections stay, and nothing answers. */
  freeze(): () => void;
  readonly logFile: string;
}

/** The user `nobody`: Postgres refuses to run as root. */
const NOBODY = 65534;

/** Starts Postgres on a new cluster that keeps nothing safe from a power failure, which makes it fast. */
export function startPostgres(): Promise<Postgres> {
  return inFolder('postgres', async (folder) => {
    const programs = dirname(await realpath(tool('postgres')));
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    const asUser = process.getuid?.() === 0 ? await handOver(folder, data) : [];
    const [initialise, ...rest] = [...asUser, join(programs, 'initdb')];
    const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    await run(initialise ?? '', [...rest, '-D', data, ...options], { cwd: folder });

    const port = await freePort();
    const [start, ...before] = [...asUser, join(programs, 'postgres')];
    const settings = ['-F', '-h', '127.0.0.1', '-p', String(port), '-k', folder];
    const isReady = async () =>
      (await attempt(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)])).code === 0;
    const begin = async () => {
      const arguments_ = [...before, '-D', data, ...settings];
      const started = startProgram(start ?? '', arguments_, { folder, name: 'postgres' });
      await untilReady(started, isReady);
      return started;
    };
    let program = await begin();
    const crash = async () => {
      const ended = childrenOf(program.pid);
      signalAll([program.pid, ...ended], 'SIGKILL');
      await program.exit;
      // Its memory is in use until the last process is gone.
      while (ended.some(isRunning)) await sleep(10);
      program = await begin();
    };
    let thaw = () => {};
    const freeze = () => {
      const stopped = [program.pid, ...childrenOf(program.pid)];
      const guard = resumesWithoutUs(stopped);
      signalAll(stopped, 'SIGSTOP');
      thaw = () => {
        signalAll(stopped, 'SIGCONT');
        guard.stdin.end();
        thaw = () => {};
      };
      return () => thaw();
    };
    const stop = stopper(
      // A process that is stopped does not end by SIGTERM.
      async () => thaw(),
      () => program.stop(),
      () => removeFolder(folder),
    );
    const server = `postgres://postgres@127.0.0.1:${port}`;
    const url = `${server}/postgres`;
    const execute = async (sql: string, database = 'postgres') => {
      const options = ['-v', 'ON_ERROR_STOP=1', '-qAt', '-c', sql];
      const rows = await run(join(programs, 'psql'), [`${server}/${database}`, ...options]);
      return rows.split('\n').filter((row) => row !== '');
    };
    const { logFile } = program;
    return { url, execute, crash, freeze, logFile, stop, [Symbol.asyncDispose]: stop };
  });
}

/** Signals processes, of which some may have ended by now. */
function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Continues processes when its input is closed: also if this process is killed, which would leave them stopped for ever. */
function resumesWithoutUs(pids: readonly number[]) {
  const script = 'read -r _; kill -CONT "$@"';
  const guard = spawn('sh', ['-c', script, 'sh', ...pids.map(String)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  guard.stdin.on('error', () => {});
  return guard;
}

/** Processes that a process started; Linux only. */
function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(/ +/).filter(Boolean).map(Number);
}

/** False also for a process that nobody has waited for. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Gives the folders to `nobody`; the words to run a program as that user, who ends it when we end. */
async function handOver(folder: string, data: string): Promise<readonly string[]> {
  await chmod(folder, 0o755);
  for (const path of [folder, data]) await chown(path, NOBODY, NOBODY);
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig', 'TERM', '--'];
}
