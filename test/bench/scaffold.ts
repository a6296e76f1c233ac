import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { scaffoldedKinds } from '../support/goldens.ts';
import { run } from '../support/services/run.ts';
import { timed } from './start.ts';
import { type BenchTable, medians, type Timed } from './table.ts';

const ROUNDS = 20;

/** How long it takes to plan a scaffold of every kind, beyond starting and ending a command. */
export async function bench(): Promise<BenchTable> {
  const base = await mkdtemp(join(tmpdir(), 'bench-scaffold-'));
  try {
    await stagePackage(join(base, 'primitive'));
    await run('git', ['init', '--quiet'], { cwd: base });
    await writeFile(
      join(base, 'primitive.config.yaml'),
      'registry: ghcr.io/acme\nlanguages: { go: {module: github.com/acme/app}, ts: {scope: "@acme"}, python: {prefix: acme}, proto: {package: acme} }\n',
    );
    const call = (...args: readonly string[]) => timed(base, join(base, 'primitive/bin/run.js'), args);
    const kinds = await scaffoldedKinds();
    const plans: Record<string, Timed> = Object.fromEntries(
      kinds.map((kind) => [
        kind,
        call('scaffold', '--kind', kind, '--name', 'orders', '--dry-run', '--json'),
      ]),
    );
    const ms = await medians<string>(
      { ...plans, 'no-op': call('scaffold', '--report', 'none') },
      { rounds: ROUNDS, warmup: 2 },
    );
    const noop = ms['no-op'] ?? Number.NaN;
    const row = (name: string, own: number) => [
      name,
      `${own.toFixed(1)} ms`,
      `${(own - noop).toFixed(1)} ms`,
      `${(own / noop).toFixed(2)}x`,
    ];
    return {
      title: `Planning a scaffold, the whole command, median of ${ROUNDS} interleaved runs`,
      rows: [
        ['', 'whole', 'beyond no-op', 'of no-op'],
        ...[...kinds, 'no-op'].map((name) => row(name, ms[name] ?? Number.NaN)),
      ],
      notes: [
        'no-op: the same command, which refuses a report without a format',
        'aim: under 100 ms beyond start-up',
      ],
    };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
