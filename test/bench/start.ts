import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { type BenchTable, medians, type Timed } from './table.ts';

const root = join(import.meta.dirname, '../..');
const COMMANDS = [
  'build',
  'check',
  'clean',
  'deploy',
  'fetch',
  'init',
  'list',
  'login',
  'plan',
  'show',
  'status',
  'test',
];

/** How long the CLI takes to answer, beside an empty script and beside an oclif app as its documentation makes one. */
export async function bench(): Promise<BenchTable> {
  const base = await mkdtemp(join(tmpdir(), 'bench-start-'));
  try {
    const empty = join(base, 'empty.mjs');
    await writeFile(empty, '');
    await stagePackage(join(base, 'primitive'));
    await writeStockApp(join(base, 'stock'));
    const ours = join(base, 'primitive/bin/run.js');
    const stock = join(base, 'stock/bin/run.js');
    const call = (script: string, ...args: readonly string[]) => timed(base, script, args);
    const ms = await medians(
      {
        empty: call(empty),
        version: call(ours, '--version'),
        help: call(ours, '--help'),
        noop: call(ours, 'list', '--report', 'none'),
        stockVersion: call(stock, '--version'),
        stockHelp: call(stock, '--help'),
        stockNoop: call(stock, 'list'),
      },
      { rounds: 42, warmup: 3 },
    );
    const row = (what: string, own: number, peer?: number, aim = '') => [
      what,
      `${own.toFixed(1)} ms`,
      `${(own / ms.empty).toFixed(2)}x`,
      peer === undefined ? '' : `${peer.toFixed(1)} ms`,
      peer === undefined ? '' : `${(own / peer).toFixed(2)}`,
      aim,
    ];
    return {
      title: `Start-up, median of 42 interleaved runs (Node ${process.versions.node}, ${process.platform}-${process.arch})`,
      rows: [
        ['', 'primitive', 'of empty', 'stock oclif', 'of stock', 'aim'],
        row('empty script', ms.empty),
        row('--version', ms.version, ms.stockVersion, '1.2x of empty'),
        row('--help', ms.help, ms.stockHelp, '3x of empty, 0.7 of stock'),
        row('no-op', ms.noop, ms.stockNoop, '3x of empty, 0.7 of stock'),
      ],
      notes: [
        'no-op: a command that is loaded, parses its flags and ends; ours also reads the environment before it refuses a report without a format',
        'stock: @oclif/core as installed, twelve commands, manifest, no plugin, `execute()`: less than `oclif generate` makes',
      ],
    };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

export function timed(cwd: string, script: string, args: readonly string[]): Timed {
  return () => {
    const started = performance.now();
    const { status, error } = spawnSync(process.execPath, [script, ...args], { cwd, stdio: 'ignore' });
    const milliseconds = performance.now() - started;
    if (error || status === null || status === 70)
      throw new Error(`${script} ${args.join(' ')} failed: ${error?.message ?? status}`);
    return milliseconds;
  };
}

/** An app of @oclif/core with compiled commands and a manifest. */
async function writeStockApp(folder: string): Promise<void> {
  await mkdir(join(folder, 'dist/commands'), { recursive: true });
  await mkdir(join(folder, 'bin'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const oclif = { bin: 'stock', commands: './dist/commands', topicSeparator: ' ' };
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'stock',
      version: '1.0.0',
      type: 'module',
      oclif,
      dependencies: { '@oclif/core': '*' },
    }),
  );
  await writeFile(
    join(folder, 'bin/run.js'),
    "import { execute } from '@oclif/core';\nawait execute({ dir: import.meta.url });\n",
  );
  for (const name of COMMANDS) {
    await writeFile(
      join(folder, `dist/commands/${name}.js`),
      `import { Command, Flags } from '@oclif/core';
export default class extends Command {
  static summary = 'The command ${name}.';
  static flags = { kind: Flags.string(), name: Flags.string(), force: Flags.boolean() };
  async run() {
    await this.parse(this.constructor);
  }
}
`,
    );
  }
  const script = `import { writeFileSync } from 'node:fs';
import { Config } from '@oclif/core';
const { commands } = await Config.load({ root: ${JSON.stringify(folder)}, ignoreManifest: true });
const found = commands.map((command) => [command.id, { ...command, isESM: true, relativePath: ['dist', 'commands', command.id + '.js'] }]);
writeFileSync('oclif.manifest.json', JSON.stringify({ version: '1.0.0', commands: Object.fromEntries(found) }));`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
  });
  if (status !== 0) throw new Error(`the manifest of the stock app could not be made: ${stderr}`);
}
