import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { run } from '../../support/services/run.ts';
import { logTail, type Program, startProgram } from '../../support/services/service.ts';
import { go, scaffold, write } from './go-kinds-lab.ts';

/** The programs of Go kinds, implemented as in test/reference and called `items`, and a Postgres for them. */
export interface GoPrograms extends AsyncDisposable {
  readonly folder: string;
  readonly postgres: Postgres;
  binary(kind: string): string;
  /** Starts a command with the variables that the image sets and these. */
  start(kind: string, command: string, env: Readonly<Record<string, string>>): Promise<Program>;
  /** The log files of all processes of a command. */
  logs(kind: string, command: string): readonly string[];
  /** A schema of its own with the tables of a kind; its URL. */
  database(kind: string, schema: string): Promise<string>;
  /** Waits until the process with this HTTP port is ready. */
  ready(port: number): Promise<void>;
  /** What `find` returns once that is neither undefined nor an error. */
  until<T>(what: string, find: () => Promise<T | undefined>): Promise<T>;
}

/** In primitive.yaml of the process: it waits for the events of its own requests. */
const EVENTS = {
  'acme.domain.items.v1.ItemCreated': {
    message: 'items.work.completed.v1',
    correlation: 'requestid',
    variables: { item: 'subject' },
  },
};

/** Builds the programs, and starts Postgres. */
export async function startGoPrograms(kinds: readonly string[]): Promise<GoPrograms> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'primitive-go-programs-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = started.use(await startPostgres());
  const binary = (kind: string) => join(folder, `${kind}.bin`);
  for (const kind of kinds) {
    const settings = kind === 'process' ? { events: EVENTS } : undefined;
    const from = { kind: 'domain', name: 'items', entity: 'item' };
    const { files, reference } = await scaffold(kind, 'items', {}, from, settings);
    await write(join(folder, kind), files);
    await write(join(folder, kind), reference);
    const { code, stderr } = await go(join(folder, kind), ['build', '-o', binary(kind), './cmd/server']);
    if (code !== 0) throw new Error(`${kind} does not compile\n${stderr}`);
  }
  const programs: Program[] = [];
  started.defer(async () => {
    await Promise.all(programs.map((program) => program.stop()));
  });

  const start = async (kind: string, command: string, env: Readonly<Record<string, string>>) => {
    const settings = {
      ...(await imageEnvironment(kind)),
      DRAIN_DELAY: '100ms',
      POLL_INTERVAL: '50ms',
      ...env,
    };
    const name = `${kind}-${command}-${programs.length}`;
    const program = startProgram(binary(kind), [command], { folder, name, env: settings });
    programs.push(program);
    return program;
  };
  const logs = (kind: string, command: string) =>
    programs.map(({ logFile }) => logFile).filter((file) => file.includes(`/${kind}-${command}-`));
  const database = async (kind: string, schema: string) => {
    await postgres.execute(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
    const DATABASE_URL = `${postgres.url}?search_path=${schema}`;
    await run(binary(kind), ['migrate'], { env: { DATABASE_URL } });
    return DATABASE_URL;
  };
  const until = async <T>(what: string, find: () => Promise<T | undefined>): Promise<T> => {
    for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(50)) {
      const found = await find().catch(() => undefined);
      if (found !== undefined) return found;
    }
    throw new Error(`${what} did not happen\n${programs.map(({ logFile }) => logTail(logFile)).join('\n')}`);
  };
  const ready = async (port: number) => {
    await until(`readiness on ${port}`, async () =>
      (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 204 ? true : undefined,
    );
  };
  const all = started.move();
  return {
    folder,
    postgres,
    binary,
    start,
    logs,
    database,
    ready,
    until,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The variables that the Dockerfile of a kind sets. */
async function imageEnvironment(kind: string): Promise<Record<string, string>> {
  const { files } = await scaffold(kind, 'items');
  const dockerfile = new TextDecoder().decode(files.get('Dockerfile')?.bytes);
  const [, block = ''] =
    /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile.slice(dockerfile.lastIndexOf('FROM '))) ?? [];
  return Object.fromEntries(
    [...block.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
}
