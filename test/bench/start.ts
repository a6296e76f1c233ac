import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { readPlugin } from '../../src/plugins/manifest.ts';
import { keep, openNew } from '../../src/plugins/store.ts';
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
    const data = join(base, 'data');
    await installPlugins(join(data, 'primitive/plugins'), ours);
    const call = (script: string, ...args: readonly string[]) => timed(base, script, args);
    const withPlugins = (...args: readonly string[]) => timed(base, ours, args, { XDG_DATA_HOME: data });
    const ms = await medians(
      {
        empty: call(empty),
        version: call(ours, '--version'),
        help: call(ours, '--help'),
        noop: call(ours, 'list', '--report', 'none'),
        help3: withPlugins('--help'),
        noop3: withPlugins('list', '--report', 'none'),
        command3: withPlugins('word1', 'hello', '--report', 'none'),
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
        ...(
          [
            ['--help, three plugins', ms.help3, ms.help],
            ['no-op, three plugins', ms.noop3, ms.noop],
            ['no-op of a plugin, of three', ms.command3, ms.noop],
          ] as const
        ).map(([what, own, without]) => [
          ...row(what, own).slice(0, 3),
          '',
          '',
          `1.3x of without; is ${(own / without).toFixed(2)}x`,
        ]),
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

export function timed(
  cwd: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Timed {
  return () => {
    const started = performance.now();
    const { status, error } = spawnSync(process.execPath, [script, ...args], {
      cwd,
      stdio: 'ignore',
      env: { ...process.env, ...env },
    });
    const milliseconds = performance.now() - started;
    if (error || status === null || status === 70)
      throw new Error(`${script} ${args.join(' ')} failed: ${error?.message ?? status}`);
    return milliseconds;
  };
}

/** Three plugins with a command, a kind, a rule and a hook of a publish each, as they are installed. */
async function installPlugins(store: string, cli: string): Promise<void> {
  for (const n of [1, 2, 3]) {
    using made = openNew(store);
    const name = `plugin-${n}`;
    const folder = join(made.folder, 'node_modules', name);
    await mkdir(join(folder, `commands/word${n}`), { recursive: true });
    await mkdir(join(folder, `kinds/kind${n}`), { recursive: true });
    const rule = {
      id: `PLUG${'ABC'[n - 1]}-001`,
      level: 'error',
      title: 'Bad',
      subject: 'primitive',
      module: 'rule.js',
    };
    const files = {
      'package.json': JSON.stringify({
        name,
        version: '1.0.0',
        type: 'module',
        oclif: { commands: './commands' },
        primitive: { api: '0.1', rules: [rule], hooks: { plan: './rule.js' } },
      }),
      'rule.js': 'export default () => [];\n',
      [`${rule.id}.md`]: '# Bad\n',
      [`kinds/kind${n}/kind.yaml`]: '',
      [`commands/word${n}/hello.js`]: `import { BaseCommand, flags } from '@ameide/primitive/plugin';
export default class Hello extends BaseCommand {
  static summary = 'Greet.';
  static flags = { report: flags.report() };
  async run() {
    const { flags } = await this.parse(Hello);
    return this.act(flags, async () => ({ document: { schema: 'a/v1' }, text: () => 'hello', exit: 0 }));
  }
}
`,
    };
    for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
    const { status, stderr } = spawnSync(process.execPath, [cli, 'plugins', 'manifest', folder]);
    if (status !== 0) throw new Error(`the manifest of a plugin could not be made: ${stderr}`);
    const manifest = await readPlugin(folder, { linked: false });
    const source = { spec: name, integrity: 'sha512-', resolved: null, locked: null, linked: false };
    keep(store, made.folder, { ...manifest, ...source });
  }
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
