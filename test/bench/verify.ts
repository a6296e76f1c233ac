import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { attempt, run } from '../support/services/run.ts';
import { dependencyCruiser, depguard, gitleaks, importLinter, openPeer, type Peer } from './peers.ts';
import { type BenchTable, medians, type Timed } from './table.ts';

const PRIMITIVES = 17;
/** Files of code per primitive; three languages of that many primitives make fifteen thousand. */
const FILES = 295;
const ROUNDS = 3;

/** Tools that check a part each, with what they are told of a tree. */
const RUNS: readonly {
  readonly peer: Peer;
  readonly args: (tree: string) => readonly string[];
  readonly env?: (tree: string) => Readonly<Record<string, string>>;
}[] = [
  { peer: gitleaks, args: (tree) => ['dir', tree, '--no-banner', '--redact', '--exit-code=0'] },
  { peer: depguard, args: () => each((i) => `./primitives/domain/p${i}/...`) },
  { peer: dependencyCruiser, args: () => ['--config', '.dependency-cruiser.json', 'primitives/uisurface'] },
  {
    peer: importLinter,
    args: () => [],
    env: (tree) => ({ PYTHONPATH: each((i) => join(tree, `primitives/agent/p${i}/src`)).join(delimiter) }),
  },
];

/** The static checks of fifteen thousand files beside tools that check a part each, and beside listing and hashing them. */
export async function bench(): Promise<BenchTable> {
  const base = await mkdtemp(join(tmpdir(), 'bench-verify-'));
  try {
    const tree = join(base, 'tree');
    await writeTree(tree);
    await stagePackage(join(base, 'primitive'));
    const cache = join(base, 'cache');
    const verify = () =>
      timed(
        process.execPath,
        [join(base, 'primitive/bin/run.js'), 'verify', '--only', 'IMP', '--only', 'SEC'],
        {
          cwd: tree,
          // As at a terminal: in CI no results are kept.
          env: { XDG_CACHE_HOME: cache, CI: '', GITHUB_ACTIONS: '' },
        },
      );
    const missing: string[] = [];
    const peers: Record<string, Timed> = {};
    for (const { peer, args, env } of RUNS) {
      try {
        const [program, ...first] = await openPeer(peer);
        peers[peer.name] = () =>
          timed(program, [...first, ...args(tree)], { cwd: tree, env: env?.(tree) ?? {} });
      } catch {
        missing.push(peer.name);
      }
    }
    const ms = await medians<string>(
      {
        first: async () => {
          await rm(cache, { recursive: true, force: true });
          return verify();
        },
        second: verify,
        floor: () => listAndHash(tree),
        ...peers,
      },
      { rounds: ROUNDS, warmup: 0 },
    );
    const of = (name: string) => ms[name] ?? Number.NaN;
    const sum = Object.keys(peers).reduce((total, name) => total + of(name), 0);
    const row = (name: string, value: number, ratio: string) => [name, `${Math.round(value)} ms`, ratio];
    return {
      title: `Imports and secrets of ${PRIMITIVES * 3 * FILES} files, median of ${ROUNDS} interleaved runs`,
      rows: [
        ['', 'time', ''],
        row('verify, first run', of('first'), `${(of('first') / sum).toFixed(2)} of the sum`),
        ...Object.keys(peers).map((name) => row(name, of(name), '')),
        row('sum of these', sum, ''),
        row(
          'verify, nothing changed',
          of('second'),
          `${(of('second') / of('floor')).toFixed(2)} of the floor`,
        ),
        row('list and hash all files', of('floor'), ''),
      ],
      notes: [
        'aims: at most half of the sum; at most 1.3 of the floor',
        'floor: a Node.js program that lists the files by git and hashes each',
        ...missing.map((name) => `${name} could not be got here`),
      ],
    };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

function each<T>(make: (i: number) => T): T[] {
  return Array.from({ length: PRIMITIVES }, (_, i) => make(i));
}

/** Findings of a peer are no failure. */
async function timed(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<number> {
  const started = performance.now();
  const { code, stderr } = await attempt(program, args, options);
  if (code > 3) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return performance.now() - started;
}

const LIST_AND_HASH = `
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { maxBuffer: 1e9 });
const paths = list.toString().split('\\0').filter(Boolean);
let next = 0;
const worker = async () => {
  while (next < paths.length) createHash('sha256').update(await readFile(paths[next++])).digest('hex');
};
await Promise.all(Array.from({ length: 32 }, worker));
`;

function listAndHash(tree: string): Promise<number> {
  return timed(process.execPath, ['--input-type=module', '--eval', LIST_AND_HASH], { cwd: tree, env: {} });
}

async function writeTree(tree: string): Promise<void> {
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  };
  await write(
    'primitive.config.yaml',
    'registry: ghcr.io/acme\nimports: { forbidden: [left-pad, requests, log] }\n',
  );
  await write('go.work', `go 1.24\n\nuse (\n${each((i) => `\t./primitives/domain/p${i}\n`).join('')})\n`);
  await write('.depguard.json', JSON.stringify({ main: { files: ['$all'], deny: { log: 'use log/slog' } } }));
  await write('.dependency-cruiser.json', JSON.stringify(CRUISER));
  await write('.importlinter', independence());
  for (let i = 0; i < PRIMITIVES; i += 1) {
    const go = `primitives/domain/p${i}`;
    const ts = `primitives/uisurface/p${i}`;
    const python = `primitives/agent/p${i}`;
    await write(`${go}/go.mod`, `module example.com/acme/primitives/domain/p${i}\n\ngo 1.24\n`);
    await write(`${ts}/package.json`, `{ "name": "@acme/p${i}", "type": "module" }`);
    await write(`${python}/pyproject.toml`, `[project]\nname = "acme-p${i}"\nversion = "1"\n`);
    await write(`${python}/src/acme_p${i}/__init__.py`, '');
    for (let j = 0; j < FILES; j += 1) {
      await write(`${go}/internal/m${j}/m.go`, goFile(i, j));
      await write(`${ts}/src/m${j}.ts`, tsFile(j));
      await write(`${python}/src/acme_p${i}/m${j}.py`, pythonFile(i, j));
    }
  }
  await run('git', ['init', '--quiet'], { cwd: tree });
  await run('git', ['add', '--all'], { cwd: tree });
}

const CRUISER = {
  forbidden: [
    {
      name: 'primitives',
      severity: 'error',
      from: { path: '^primitives/uisurface/([^/]+)/' },
      to: { path: '^primitives/', pathNot: '^primitives/uisurface/$1/' },
    },
  ],
  options: { tsPreCompilationDeps: true },
};

function independence(): string {
  const names = each((i) => `    acme_p${i}\n`).join('');
  return `[importlinter]\nroot_packages =\n${names}[importlinter:contract:1]\nname = Primitives are independent\ntype = independence\nmodules =\n${names}`;
}

/** Some fifty lines that differ from file to file. */
function lines(j: number, line: (n: number, digest: string) => string): string {
  return Array.from({ length: 25 }, (_, n) =>
    line(n, createHash('sha256').update(`${j}/${n}`).digest('hex').slice(0, 12)),
  ).join('');
}

function goFile(i: number, j: number): string {
  const other = j === 0 ? '' : `\t"example.com/acme/primitives/domain/p${i}/internal/m${j - 1}"\n`;
  const use = j === 0 ? '' : `\nvar _ = m${j - 1}.F0\n`;
  return `// Package m${j} is generated.\npackage m${j}\n\nimport (\n\t"fmt"\n\t"strings"\n\n${other})\n${use}${lines(
    j,
    (n, digest) =>
      `\n// F${n} says ${digest}.\nfunc F${n}(name string) string {\n\treturn fmt.Sprintf("%s-${digest}", strings.ToUpper(name))\n}\n`,
  )}`;
}

function tsFile(j: number): string {
  const other = j === 0 ? '' : `import { f0 } from './m${j - 1}.ts';\nexport const before = f0;\n`;
  return `import { join } from 'node:path';\n${other}${lines(
    j,
    (n, digest) =>
      `\n/** Says ${digest}. */\nexport function f${n}(name: string): string {\n  return \`\${join(name, '${digest}')}\`;\n}\n`,
  )}`;
}

function pythonFile(i: number, j: number): string {
  const other = j === 0 ? '' : `from acme_p${i} import m${j - 1}\n\nbefore = m${j - 1}\n`;
  return `import os.path\n${other}${lines(
    j,
    (n, digest) =>
      `\n\ndef f${n}(name: str) -> str:\n    """Says ${digest}."""\n    return os.path.join(name, "${digest}")\n`,
  )}`;
}
