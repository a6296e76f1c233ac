import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createProcesses } from '../../src/adapters/process.ts';
import { gitEnvironment } from '../support/git.ts';
import { openWorkspace } from '../support/workspace.ts';

/** One table of `npm run bench`. */
export interface BenchTable {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly medianMs: number; readonly ratio?: number }[];
  readonly notes: readonly string[];
}

const COMPONENTS = 500;
const FILES_EACH = 100;
const ROUNDS = 9;

/**
 * What planning has to know of the source, for 500 components with 50,000 files: the digest of all inputs, and that
 * none of them is dirty. Beside it `git ls-tree -r`, which only lists them.
 */
export async function benchPlan(): Promise<BenchTable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'primitive-bench-')));
  try {
    generate(folder);
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(root: string): Promise<BenchTable> {
  const run = promisify(execFile);
  const options = { cwd: root, env: gitEnvironment, maxBuffer: 2 ** 28, encoding: 'buffer' as const };
  const processes = createProcesses(gitEnvironment);
  const script = join(import.meta.dirname, '../support/read-inputs.ts');
  const subjects: Record<string, () => Promise<unknown>> = {
    'git ls-tree -r HEAD': () => run('git', ['ls-tree', '-r', '-z', 'HEAD'], options),
    'git ls-tree -r, then git status': async () => {
      await run('git', ['ls-tree', '-r', '-z', 'HEAD'], options);
      await run('git', ['status', '--porcelain', '-z', '--untracked-files=all'], options);
    },
    'inputs of all components (in process)': async () => (await openWorkspace(root)).inputs(),
    'the same as a process of its own': () => run(process.execPath, [script, root], options),
    'node, doing nothing': () => processes.run(process.execPath, ['-e', '0']),
  };
  const times = new Map(Object.keys(subjects).map((name) => [name, [] as number[]]));
  // In turns, so that what else the machine does falls on all alike; the first round only warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, subject] of Object.entries(subjects)) {
      const start = performance.now();
      await subject();
      if (round > 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const base = median(times.get('git ls-tree -r HEAD') ?? []);
  return {
    title: `Plan: ${COMPONENTS} components, ${COMPONENTS * FILES_EACH} files`,
    rows: [...times].map(([name, values]) => ({
      name,
      medianMs: median(values),
      ratio: median(values) / base,
    })),
    notes: [
      `median of ${ROUNDS} rounds in turns; ratio to \`git ls-tree -r HEAD\``,
      'ours opens the repository, reads config and all primitive.yaml, lists HEAD, hashes all inputs and asks `git status`',
    ],
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** One commit by `git fast-import`, checked out, with an index that is fresh. */
function generate(root: string): void {
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
    add(`${path}/primitive.yaml`, `kind: domain\nname: ${name}\ntemplate: { version: 1 }\n`);
    add(`${path}/Dockerfile`, `FROM scratch\nCOPY . /${name}\n`);
    for (let file = 2; file < FILES_EACH; file += 1) {
      add(
        `${path}/internal/package${file % 8}/file${file}.go`,
        `package package${file % 8} // ${component} ${file}\n`,
      );
    }
  }
  const who = 'A U Thor <author@example.com> 1767323045 +0000';
  git(['fast-import', '--quiet'], `commit refs/heads/main\ncommitter ${who}\ndata 0\n${files.join('')}\n`);
  git(['reset', '--quiet', '--hard']);
  // Files as young as the index are read again by each `git status` until it has written a younger one.
  execFileSync('sleep', ['1.1']);
  git(['update-index', '-q', '--really-refresh']);
  git(['status', '--porcelain']);
}
