import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  kindOf,
  reference,
  scaffold,
  syncPython,
  writeFiles,
} from '../integration/kinds/python-ts-kinds-workbench.ts';
import { freePort } from '../support/services/ports.ts';
import { type Postgres, startPostgres } from '../support/services/postgres.ts';
import type { BenchTable } from './table.ts';

const NAME = 'quick';

/** What a turn of an agent costs in its store: statements, and turns per second of one process. */
export async function bench(): Promise<BenchTable> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-agent-'));
  await using postgres = await startPostgres();
  try {
    const kind = await kindOf('agent');
    await writeFiles(folder, new Map([...(await scaffold(kind, NAME)), ...(await reference(kind, NAME))]));
    await syncPython(folder);
    const statements = await statementsPerTurn(folder, postgres);
    const near = await turnsPerSecond(folder, postgres.url);
    await using far = await distant(postgres.url, 5);
    const distantly = await turnsPerSecond(folder, far.url);
    const rows = [...near].map(([count, rate]) => [
      `turns/s, ${count} at once`,
      rate,
      distantly.get(count) ?? '',
    ]);
    return {
      title: 'Turns of an agent',
      rows: [
        ['what', 'Postgres here', 'Postgres 5 ms away'],
        ...[...statements].map(([turn, count]) => [`statements of ${turn}`, String(count), '']),
        ...rows,
      ],
      notes: ['the model answers at once; with a tool, twice'],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(folder: string, url: string, env: Readonly<Record<string, string>>) {
  const script = join(import.meta.dirname, 'agent/turns.py');
  const child = spawn(join(folder, '.venv/bin/python'), [script, `acme_agent_${NAME}`], {
    cwd: folder,
    env: { ...process.env, CHECKPOINT_URL: url, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface(child.stdout) };
}

async function turnsPerSecond(folder: string, url: string): Promise<ReadonlyMap<string, string>> {
  const rates = new Map<string, string>();
  for await (const line of start(folder, url, {}).lines) {
    const [count = '', rate = ''] = line.split(' ');
    rates.set(count, rate);
  }
  return rates;
}

/** Counted in the log of Postgres, without those of the pool and of claims that are renewed. */
async function statementsPerTurn(folder: string, postgres: Postgres): Promise<ReadonlyMap<string, number>> {
  await postgres.execute(`ALTER SYSTEM SET log_statement = 'all'`);
  await postgres.execute('SELECT pg_reload_conf()');
  const count = async () =>
    ((await readFile(postgres.logFile, 'utf8')).match(/LOG: {2}(?:statement|execute )/g) ?? []).length;
  const counted = new Map<string, number>();
  const { child, lines } = start(folder, postgres.url, { ONE: '1' });
  let before = 0;
  for await (const line of lines) {
    const now = await count();
    if (line !== 'first') counted.set(line === 'tool' ? 'a turn with a tool' : 'a turn', now - before);
    before = await count();
    child.stdin.write('\n');
  }
  await postgres.execute('ALTER SYSTEM RESET log_statement');
  await postgres.execute('SELECT pg_reload_conf()');
  return counted;
}

/** A server some milliseconds away, there and back together. */
async function distant(
  url: string,
  milliseconds: number,
): Promise<AsyncDisposable & { readonly url: string }> {
  const target = new URL(url);
  const slow = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), milliseconds / 2));
    from.on('end', () => setTimeout(() => to.end(), milliseconds / 2));
    from.on('error', () => to.destroy());
  };
  const server = createServer({ noDelay: true }, (near) => {
    const away = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
    slow(near, away);
    slow(away, near);
  });
  const port = await freePort();
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: url.replace(target.host, `127.0.0.1:${port}`),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
