import { chmod, chown, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
    const program = startProgram(start ?? '', [...before, '-D', data, ...settings], {
      folder,
      name: 'postgres',
    });
    const isReady = async () =>
      (await attempt(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)])).code === 0;
    await untilReady(program, isReady);
    const stop = stopper(
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
    return { url, execute, logFile: program.logFile, stop, [Symbol.asyncDispose]: stop };
  });
}

/** Gives the folders to `nobody`; the words to run a program as that user, who ends it when we end. */
async function handOver(folder: string, data: string): Promise<readonly string[]> {
  await chmod(folder, 0o755);
  for (const path of [folder, data]) await chown(path, NOBODY, NOBODY);
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--pdeathsig', 'TERM', '--'];
}
