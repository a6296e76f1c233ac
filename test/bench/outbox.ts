import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { go } from '../integration/kinds/go-kinds-lab.ts';
import { startGoPrograms } from '../integration/kinds/go-kinds-programs.ts';
import { run } from '../support/services/run.ts';
import type { BenchTable } from './table.ts';

/**
 * How long events of a domain are under way, in the scenarios of `outbox/main.go`, or those that `OUTBOX_SCENARIOS` lists
 * (`idle,replay`). `OUTBOX_DATABASE_URL` names a Postgres that writes to disk before it answers, with an empty database;
 * without it, one that does not is started.
 */
export async function bench(): Promise<BenchTable> {
  await using programs = await startGoPrograms(['domain']);
  const module = join(programs.folder, 'domain');
  await mkdir(join(module, 'bench'));
  await copyFile(join(import.meta.dirname, 'outbox/main.go'), join(module, 'bench/main.go'));
  const program = join(programs.folder, 'bench.bin');
  const { code, stderr } = await go(module, ['build', '-o', program, './bench']);
  if (code !== 0) throw new Error(`the bench does not compile\n${stderr}`);
  const database = process.env.OUTBOX_DATABASE_URL ?? (await programs.database('domain', 'bench'));
  const env = { DATABASE_URL: `${database}${database.includes('?') ? '&' : '?'}application_name=bench` };
  await run(programs.binary('domain'), ['migrate'], { env });
  const chosen = process.env.OUTBOX_SCENARIOS?.split(',') ?? [];
  const out = await run(program, [programs.binary('domain'), programs.folder, ...chosen], { env });
  const rows = out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/: (.*)/s).slice(0, 2));
  return {
    title: 'Delivery of the events of a domain',
    rows: [['scenario', 'found'], ...rows],
    notes: [
      'aims: 50 ms idle, p99 200 ms beside 1,000 that hang, 1,000/s, 10 lines of an outage of 67 s,',
      'commands under twice of quiet (p99) and live events under 1 s during a replay',
    ],
  };
}
