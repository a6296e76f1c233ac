import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stagePackage } from '../../.ci/stage.ts';
import { attempt, run } from '../support/services/run.ts';
import { go, python, type Seed, type Seeds, typescript } from './linter-seeds.ts';
import { dependencyCruiser, depguard, importLinter, openPeer, type Peer } from './peers.ts';
import type { BenchTable } from './table.ts';

/** Public code, each package as a primitive. */
const NPM = [
  '@trpc/server@11.19.0',
  '@trpc/client@11.19.0',
  '@trpc/react-query@11.19.0',
  '@trpc/next@11.19.0',
];
const PYPI = {
  anyio: '4.12.0',
  fastapi: '0.124.0',
  h11: '0.16.0',
  httpcore: '1.0.9',
  httpx: '0.28.1',
  idna: '3.11',
  pydantic: '2.12.5',
  starlette: '0.50.0',
  typer: '0.20.0',
  uvicorn: '0.38.0',
};
const GO = { mcp: 'github.com/modelcontextprotocol/go-sdk@v1.1.0', pgx: 'github.com/jackc/pgx/v5@v5.7.6' };

const FORBIDDEN = {
  typescript: ['left-pad', 'react', 'next'],
  python: ['requests', 'typing_extensions'],
  go: ['log', 'reflect'],
};

/** What is found, by file and by what is imported: `primitives/agent/a/src/acme_a/s1.py agent/b`. */
type Found = ReadonlySet<string>;

/** A language with its tool. */
interface Trial {
  readonly peer: Peer;
  /** Folder of the primitives that it has. */
  readonly kind: string;
  readonly seeds: Seeds;
  readonly pathOf: (index: string) => string;
  readonly write: (tree: string) => Promise<void>;
  readonly find: (tree: string) => Promise<Found>;
}

/**
 * Imports that are forbidden, as dependency-cruiser, import-linter and depguard find them, and `verify`. Each tool is told
 * that primitives are independent, and which packages are forbidden. The code is public, with seeds in every form that we know.
 */
export async function bench(): Promise<BenchTable> {
  const base = await mkdtemp(join(tmpdir(), 'bench-linters-'));
  await run('rm', ['-rf', base]);
  await mkdir(base);
  try {
    const tree = join(base, 'tree');
    await stagePackage(join(base, 'primitive'));
    for (const { kind, seeds, pathOf, write } of TRIALS) {
      await write(tree);
      for (const [path, { text }] of [
        ...placed(seeds.forbidden, pathOf, 'f'),
        ...placed(seeds.allowed, pathOf, 'a'),
      ])
        await writeText(join(tree, kind, 'a', path), text);
    }
    const forbidden = Object.values(FORBIDDEN).flat();
    await writeText(
      join(tree, 'primitive.config.yaml'),
      `registry: ghcr.io/acme\nimports: { sdk: { go: [example.com/acme/bc] }, forbidden: ${JSON.stringify(forbidden)} }\n`,
    );
    await writeText(join(tree, '.gitignore'), '/node_modules/\n');
    await run('git', ['init', '--quiet'], { cwd: tree });
    await run('git', ['add', '--all'], { cwd: tree });
    const ours = await findByVerify(tree, join(base, 'primitive/bin/run.js'));
    const rows: (readonly string[])[] = [];
    const notes: string[] = [];
    for (const trial of TRIALS) {
      const { peer, kind, seeds, pathOf } = trial;
      const theirs = await trial.find(tree);
      const isPublic = (key: string) => key.startsWith(`${kind}/`) && !key.startsWith(`${kind}/a/`);
      const [own, other] = [ours, theirs].map((found) => new Set([...found].filter(isPublic)));
      const fileIn = (found: Found, path: string) =>
        [...found].some((key) => key.startsWith(`${kind}/a/${path} `));
      for (const [name, found, mine, others] of [
        [`${peer.name} ${peer.version}`, theirs, other, own],
        ['verify', ours, own, other],
      ] as const) {
        const left = placed(seeds.forbidden, pathOf, 'f').filter(([path]) => !fileIn(found, path));
        const wrong = placed(seeds.allowed, pathOf, 'a').filter(([path]) => fileIn(found, path));
        rows.push([
          name,
          String(seeds.forbidden.length - left.length),
          String(left.length),
          `${wrong.length} of ${seeds.allowed.length}`,
          String([...(mine ?? [])].filter((key) => others?.has(key)).length),
          String([...(mine ?? [])].filter((key) => !others?.has(key)).length),
        ]);
        if (left.length > 0) notes.push(`${name} misses: ${left.map(([, { form }]) => form).join(', ')}`);
        if (wrong.length > 0) notes.push(`${name} reports: ${wrong.map(([, { form }]) => form).join(', ')}`);
        if (process.env.LINTERS_LIST !== undefined)
          notes.push(
            ...[...(mine ?? [])].filter((key) => !others?.has(key)).map((key) => `${name} alone: ${key}`),
          );
      }
    }
    return {
      title: 'Forbidden imports in seeds and in public code',
      rows: [['', 'seeds found', 'missed', 'false alarms', 'public code, both', 'alone'], ...rows],
      notes: [
        ...notes,
        'seeds are files, public code counts by file and what it imports; LINTERS_LIST prints what one tool finds alone',
      ],
    };
  } finally {
    await run('chmod', ['-R', 'u+w', base]);
    //RM
  }
}

/** Seeds with their places in the primitive. */
function placed(
  seeds: readonly Seed[],
  pathOf: (index: string) => string,
  prefix: string,
): readonly (readonly [path: string, seed: Seed])[] {
  return seeds.map((seed, i) => [seed.path ?? pathOf(`${prefix}${i}`), seed]);
}

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** What a tool says: findings are no failure. */
async function output(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await attempt(program, args, { cwd, env });
  if (code > 3 && stdout === '') throw new Error(`${program} ended with ${code}: ${stderr}`);
  return `${stdout}\n${stderr}`;
}

/** Rules about what an import leads to that the tools have, too. */
const LEADING = new Set(['IMP-001', 'IMP-003', 'IMP-004']);

async function findByVerify(tree: string, cli: string): Promise<Found> {
  const args = [cli, 'verify', '--only', 'IMP', '--json'];
  const { stdout } = await attempt(process.execPath, args, {
    cwd: tree,
    env: { XDG_CACHE_HOME: join(tree, '../cache') },
  });
  const { findings }: { findings: readonly { rule: string; path: string; message: string }[] } =
    JSON.parse(stdout);
  return new Set(
    findings
      .filter(({ rule }) => LEADING.has(rule))
      .map(({ path, message }) => {
        const [, primitive, entry] =
          / leads into the primitive (\S+?)(?: by .*)?\.$| is forbidden by "([^"]+)" /.exec(message) ?? [];
        return `${path} ${primitive ?? entry ?? message}`;
      }),
  );
}

const surfaces = 'primitives/uisurface';
const cruiser: Trial = {
  peer: dependencyCruiser,
  kind: surfaces,
  seeds: typescript,
  pathOf: (index) => `src/seeds/${index}.ts`,
  write: async (tree) => {
    const link = async (name: string, target: string) => {
      await mkdir(dirname(join(tree, 'node_modules', name)), { recursive: true });
      await symlink(join(tree, target), join(tree, 'node_modules', name));
    };
    for (const spec of NPM) {
      const name = spec.replace(/@[^@]*$/, '');
      const folder = `${surfaces}/${name.replace('@trpc/', '')}`;
      await mkdir(join(tree, folder), { recursive: true });
      const packed = await run('npm', ['pack', '--silent', '--pack-destination', dirname(tree), spec], {
        cwd: tree,
      });
      await run('tar', [
        '-xzf',
        join(dirname(tree), packed.trim()),
        '--strip-components=1',
        '-C',
        join(tree, folder),
      ]);
      await link(name, folder);
    }
    const write = (path: string, text: string) => writeText(join(tree, path), text);
    const dependencies = {
      ...{ '@acme/b': 'workspace:*', '@acme/bc': '1', bee: 'npm:@acme/b@*', 'left-pad': '1' },
      ...{ 'left-pad-plus': '1', vitest: '4' },
    };
    const imports = { '#b': '@acme/b' };
    await write(
      `${surfaces}/a/package.json`,
      JSON.stringify({ name: '@acme/a', type: 'module', imports, dependencies }),
    );
    const compilerOptions = { baseUrl: '.', paths: { '~b/*': ['../b/src/*'] } };
    await write(`${surfaces}/a/tsconfig.json`, JSON.stringify({ compilerOptions }));
    await write(
      `${surfaces}/b/package.json`,
      '{ "name": "@acme/b", "type": "module", "main": "src/index.ts" }',
    );
    await write(`${surfaces}/b/src/index.ts`, 'export const b = 1;\nexport type B = number;\n');
    await write(
      'packages/shared/index.ts',
      "export { b } from '../../primitives/uisurface/b/src/index.ts';\n",
    );
    for (const name of ['@acme/bc', 'left-pad', 'left-pad-plus', 'vitest']) {
      await write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
      await write(`node_modules/${name}/index.js`, 'module.exports = () => {};\n');
      await write(`node_modules/${name}/lib/pad.js`, 'module.exports = () => {};\n');
    }
    await link('@acme/a', `${surfaces}/a`);
    await link('@acme/b', `${surfaces}/b`);
    await link('bee', `${surfaces}/b`);
    const from = { path: `^${surfaces}/([^/]+)/` };
    const to = { path: '^primitives/', pathNot: `^${surfaces}/$1/` };
    const packages = `(^|node_modules/)(${FORBIDDEN.typescript.join('|')})(/|$)`;
    const config = {
      forbidden: [
        { name: 'primitives', severity: 'error', from, to },
        {
          name: 'shared',
          severity: 'error',
          from: { path: `^${surfaces}/a/` },
          to: { path: `^${surfaces}/b/`, reachable: true },
        },
        { name: 'packages', severity: 'error', from, to: { path: packages } },
      ],
      options: {
        tsPreCompilationDeps: true,
        detectJSDocImports: true,
        parser: 'tsc',
        tsConfig: { fileName: `${surfaces}/a/tsconfig.json` },
        doNotFollow: { path: 'node_modules' },
        enhancedResolveOptions: {
          exportsFields: ['exports'],
          conditionNames: ['import', 'require', 'node', 'default', 'types'],
        },
      },
    };
    await write('.dependency-cruiser.json', JSON.stringify(config));
  },
  find: async (tree) => {
    const [program, ...args] = await openPeer(dependencyCruiser);
    const config = ['--config', '.dependency-cruiser.json', '--output-type', 'json', surfaces];
    const { stdout } = await attempt(program, [...args, ...config], { cwd: tree });
    const { summary }: { summary: { violations: readonly { from: string; to: string }[] } } =
      JSON.parse(stdout);
    return new Set(
      summary.violations.map(({ from, to }) => {
        const [, owner] = /^primitives\/([^/]+\/[^/]+)\//.exec(to) ?? [];
        const name = to.replace(/^.*node_modules\//, '');
        return `${from} ${owner ?? FORBIDDEN.typescript.find((one) => name === one || name.startsWith(`${one}/`)) ?? to}`;
      }),
    );
  },
};

const agents = 'primitives/agent';
const linter: Trial = {
  peer: importLinter,
  kind: agents,
  seeds: python,
  pathOf: (index) => `src/acme_a/seed_${index}.py`,
  write: async (tree) => {
    const write = (path: string, text: string) => writeText(join(tree, path), text);
    for (const [name, version] of Object.entries(PYPI)) {
      const target = join(tree, agents, name, 'src');
      const options = ['--quiet', '--no-deps', '--no-compile', '--disable-pip-version-check', '--target'];
      await run('python3', ['-m', 'pip', 'install', ...options, target, `${name}==${version}`]);
      for (const other of await readdir(target))
        if (other !== name) await rm(join(target, other), { recursive: true });
      await write(
        `${agents}/${name}/pyproject.toml`,
        `[project]\nname = "${name}"\nversion = "${version}"\n`,
      );
    }
    await write(
      `${agents}/a/pyproject.toml`,
      '[project]\nname = "acme-a"\nversion = "1"\ndependencies = ["requests", "requests-like"]\n',
    );
    await write(`${agents}/a/src/acme_a/__init__.py`, '');
    await write(`${agents}/b/pyproject.toml`, '[project]\nname = "acme-b"\nversion = "1"\n');
    await write(`${agents}/b/src/acme_b/__init__.py`, '');
    await write(`${agents}/b/src/acme_b/api.py`, 'def call():\n    return 1\n');
    const list = (names: readonly string[]) => names.map((name) => `    ${name}\n`).join('');
    const roots = list(['acme_a', 'acme_b', ...Object.keys(PYPI)]);
    await write(
      '.importlinter',
      `[importlinter]\nroot_packages =\n${roots}include_external_packages = True\n\n` +
        `[importlinter:contract:1]\nname = Primitives are independent\ntype = independence\nmodules =\n${roots}\n` +
        `[importlinter:contract:2]\nname = Packages are forbidden\ntype = forbidden\nallow_indirect_imports = True\n` +
        `source_modules =\n${roots}forbidden_modules =\n${list(FORBIDDEN.python)}`,
    );
  },
  find: async (tree) => {
    const [program, ...args] = await openPeer(importLinter);
    const names = ['a', 'b', ...Object.keys(PYPI)];
    const PYTHONPATH = names.map((name) => join(tree, agents, name, 'src')).join(delimiter);
    const text = await output(program, args, tree, { PYTHONPATH, COLUMNS: '1000' });
    const files = new Map<string, string>();
    for (const name of names) {
      const folder = join(tree, agents, name, 'src');
      for (const path of await readdir(folder, { recursive: true })) {
        if (path.endsWith('.py'))
          files.set(
            path.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.'),
            `${agents}/${name}/src/${path}`,
          );
      }
    }
    return new Set(
      [...text.matchAll(/([\w.]+) -> ([\w.]+) \(l\.[\d, l.]+\)/g)].flatMap(([, from = '', to = '']) => {
        const top = to.split('.', 1)[0] ?? '';
        const owner = top.replace(/^acme_/, '');
        return names.includes(owner) && top !== from.split('.', 1)[0]
          ? [`${files.get(from)} agent/${owner}`]
          : FORBIDDEN.python.includes(top)
            ? [`${files.get(from)} ${top}`]
            : [];
      }),
    );
  },
};

const domains = 'primitives/domain';
const guard: Trial = {
  peer: depguard,
  kind: domains,
  seeds: go,
  pathOf: (index) => `seeds/${index}/seed.go`,
  write: async (tree) => {
    const write = (path: string, text: string) => writeText(join(tree, path), text);
    const modules: Record<string, string> = { a: 'example.com/acme/a', b: 'example.com/acme/b' };
    for (const [name, spec] of Object.entries(GO)) {
      const { Dir }: { Dir: string } = JSON.parse(await run('go', ['mod', 'download', '-json', spec]));
      await cp(Dir, join(tree, domains, name), { recursive: true });
      await run('chmod', ['-R', 'u+w', join(tree, domains, name)]);
      modules[name] = spec.split('@')[0] ?? '';
    }
    await write(`${domains}/a/go.mod`, 'module example.com/acme/a\n\ngo 1.24\n');
    await write(`${domains}/b/go.mod`, 'module example.com/acme/b\n\ngo 1.24\n');
    await write(`${domains}/b/b.go`, 'package b\n\nvar B = 1\n');
    await write(`${domains}/b/api/api.go`, 'package api\n\nvar B = 1\n\nfunc f() {}\n');
    await write('packages/bc/go.mod', 'module example.com/acme/bc\n\ngo 1.24\n');
    await write('packages/bc/bc.go', 'package bc\n\nvar A = 1\n');
    await write('packages/shared/go.mod', 'module example.com/shared\n\ngo 1.24\n');
    await write(
      'packages/shared/shared.go',
      'package shared\n\nimport "example.com/acme/b"\n\nvar B = b.B\n',
    );
    const used = [
      'packages/bc',
      'packages/shared',
      ...Object.keys(modules).map((name) => `${domains}/${name}`),
    ];
    await write('go.work', `go 1.25.0\n\nuse (\n${used.map((folder) => `\t./${folder}\n`).join('')})\n`);
    const deny = (paths: readonly string[]) =>
      Object.fromEntries(paths.flatMap((path) => [`${path}$`, `${path}/`]).map((path) => [path, 'no']));
    const lists = Object.keys(modules).map((name) => {
      const others = Object.keys(modules).filter((other) => other !== name);
      const paths = [...FORBIDDEN.go, ...others.map((other) => modules[other] ?? '')];
      return [name, { files: [`**/${domains}/${name}/**`], deny: deny(paths) }];
    });
    await write('.depguard.json', JSON.stringify(Object.fromEntries(lists)));
  },
  find: async (tree) => {
    const [program, ...args] = await openPeer(depguard);
    const found = new Set<string>();
    const folders = ['a', ...Object.keys(GO)].map((name) => `./${domains}/${name}/...`);
    const text = await output(program, [...args, ...folders], tree);
    for (const [, path = '', what = ''] of text.matchAll(/(\/\S+\.go):\d+:\d+: import '`?([^'`]+)/g)) {
      const forbidden = FORBIDDEN.go.find((one) => what === one || what.startsWith(`${one}/`));
      const name = forbidden ?? (/^example\.com\/acme\/b(?:\/|$)/.test(what) ? 'domain/b' : what);
      found.add(`${path.slice(tree.length + 1)} ${name}`);
    }
    return found;
  },
};

const TRIALS: readonly Trial[] = [cruiser, linter, guard];
