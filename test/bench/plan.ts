import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcesses } from '../../src/adapters/process.ts';
import { digestOf } from '../../src/core/digest.ts';
import { newManifest } from '../../src/repository/provenance.ts';
import { bundleProgram } from '../support/bundle-program.ts';
import { gitEnvironment } from '../support/git.ts';
import type * as ReadInputs from '../support/read-inputs.ts';
import { type BenchTable, medians } from './table.ts';

const COMPONENTS = 500;
const FILES_EACH = 100;
/** How many of them scaffold wrote, and lists in `primitive.yaml`. */
const SCAFFOLDED = 30;
/** Three times each order of the seven cases. */
const ROUNDS = 42;
/** Until the code in this process is compiled; the whole processes begin anew each time. */
const WARM_UP = 5;

/**
 * What planning has to know of the source, for 500 components with 50,000 files: config, components, and the digest of
 * all inputs. Beside it `git ls-tree -r`, which only lists the files. That nothing is dirty only a look at every file can
 * tell; it is shown on top, beside `git status` and the listing together. No process can start faster than `node -e 0`.
 */
export async function bench(): Promise<BenchTable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'primitive-bench-')));
  try {
    const repo = join(folder, 'repo');
    await mkdir(repo);
    await generate(repo);
    const script = join(folder, 'run.mjs');
    const bundle = join(folder, 'read-inputs.mjs');
    await bundleProgram(join(import.meta.dirname, '../support/read-inputs.ts'), bundle);
    await writeFile(script, LAUNCHER);
    return await measure(repo, script, await import(bundle));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(root: string, script: string, { readAll }: typeof ReadInputs): Promise<BenchTable> {
  const processes = createProcesses(gitEnvironment);
  const run = async (program: string, ...args: string[]) => {
    const { exitCode, stderr } = await processes.run(program, args, { cwd: root });
    if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.slice(-500)}`);
  };
  const lsTree = () => run('git', 'ls-tree', '-r', '-z', 'HEAD');
  const status = () => run('git', 'status', '--porcelain', '-z', '--untracked-files=all');
  const subjects = {
    'git ls-tree -r HEAD': lsTree,
    'digests, in process': async () => readAll(root, false),
    'digests, whole process': () => run(process.execPath, script, root, 'digests'),
    'git ls-tree -r HEAD & git status': () => Promise.all([lsTree(), status()]),
    'digests and nothing dirty, in process': async () => readAll(root, true),
    'digests and nothing dirty, whole process': () => run(process.execPath, script, root, 'all'),
    'node -e 0': () => run(process.execPath, '-e', '0'),
  } satisfies Record<string, () => Promise<unknown>>;
  const timed = Object.fromEntries(
    Object.entries(subjects).map(([name, subject]) => [
      name,
      async () => {
        const start = performance.now();
        await subject();
        return performance.now() - start;
      },
    ]),
  );
  const found = await medians(timed, { rounds: ROUNDS, warmup: WARM_UP });
  const base = found['git ls-tree -r HEAD'] ?? Number.NaN;
  return {
    title: `Plan: ${COMPONENTS} components, ${COMPONENTS * FILES_EACH} files`,
    rows: [
      ['', 'median', 'of ls-tree'],
      ...Object.entries(found).map(([name, milliseconds]) => [
        name,
        `${milliseconds.toFixed(0)} ms`,
        (milliseconds / base).toFixed(2),
      ]),
    ],
    notes: [
      `median of ${ROUNDS} rounds in turns; ratio to the first row; all programs are started and read by the same code`,
      'of a bundle, as it is shipped; in process: it is loaded already; whole process: with a compile cache, from start to end',
    ],
  };
}

/** As bin/run.js starts it. */
const LAUNCHER = `import { enableCompileCache } from 'node:module';
enableCompileCache(import.meta.dirname + '/compiled');
await import('./read-inputs.mjs');
`;

/** One commit by `git fast-import`, checked out, with an index that is fresh. */
async function generate(root: string): Promise<void> {
  const git = (args: readonly string[], input = '') =>
    execFileSync('git', args, {
      cwd: root,
      env: gitEnvironment,
      input,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  git(['init', '--quiet', '--initial-branch=main']);
  const files: string[] = [];
  const add = (path: string, content: string) =>
    files.push(`M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`);
  add('primitive.config.yaml', 'registry: ghcr.io/acme\n');
  for (let component = 0; component < COMPONENTS; component += 1) {
    const name = `component-${component}`;
    const path = `primitives/domain/${name}`;
    const contents = new Map([['Dockerfile', `FROM scratch\nCOPY . /${name}\n`]]);
    for (let file = 2; file < FILES_EACH; file += 1) {
      contents.set(
        `internal/package${file % 8}/file${file}.go`,
        `package package${file % 8} // ${component} ${file}\n`,
      );
    }
    for (const [file, content] of contents) add(`${path}/${file}`, content);
    const written = [...contents].slice(0, SCAFFOLDED);
    const files = new Map(written.map(([file, content]) => [file, digestOf(Buffer.from(content))]));
    add(`${path}/primitive.yaml`, await newManifest('domain', name, { version: 1, inputs: {}, files }));
  }
  const who = 'A U Thor <author@example.com> 1767323045 +0000';
  git(['fast-import', '--quiet'], `commit refs/heads/main\ncommitter ${who}\ndata 0\n${files.join('')}\n`);
  git(['reset', '--quiet', '--hard']);
  // Files as young as the index are read again by each `git status` until it has written a younger one.
  execFileSync('sleep', ['1.1']);
  git(['update-index', '-q', '--really-refresh']);
  git(['status', '--porcelain']);
}
