import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleProgram } from '../../support/bundle-program.ts';
import { type TestRepository, temporaryFolder } from '../../support/git.ts';
import { partOf } from '../../support/sample.ts';
import { scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';

const support = join(import.meta.dirname, '../../support');

/** Many processes run the same program: it is one file there, and Node keeps it compiled beside it. */
let programs: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeAll(async () => {
  programs = await temporaryFolder();
  program = join(programs.path, 'scaffold-run.mjs');
  await bundleProgram(join(support, 'scaffold-run.ts'), program);
});
afterAll(() => programs?.[Symbol.asyncDispose]());

/** Scaffolds in a process whose file operations fail at one point; `operations` counts them where it survives. */
async function runWithFault(root: string, at: number, how: string, update: boolean) {
  await using folder = await temporaryFolder();
  const count = join(folder.path, 'count');
  const args = [
    '--import',
    join(support, 'failing-files.ts'),
    program,
    root,
    ...(update ? ['order-lines', 'update'] : []),
  ];
  const env = { FAIL_AT: String(at), FAIL_HOW: how, FAIL_COUNT: count, NODE_COMPILE_CACHE: programs.path };
  const result = await attempt(process.execPath, args, { env }).catch((error: { signal?: string }) => ({
    code: error.signal ?? 'error',
    stdout: '',
    stderr: String(error),
  }));
  const operations = Number(await readFile(count, 'utf8').catch(() => '0'));
  return { ...result, operations };
}

/** The work tree without what is installed. */
const treeOf = (root: string) => contentOf(root, ['.git', 'node_modules']);

const FAULTS = ['ENOSPC', 'EACCES', 'EIO', 'SIGINT', 'SIGKILL'];

interface Case {
  readonly what: string;
  readonly begin: (repo: TestRepository) => Promise<void>;
  /** Whether the template is taken over. */
  readonly update?: boolean;
}

/** Nothing is there, or an older template was scaffolded and a person has written since; or that is updated. */
const CASES: readonly Case[] = [
  { what: 'a new primitive', begin: async () => {} },
  {
    what: 'a primitive that is there',
    begin: async ({ root }) => {
      await scaffold(root);
      const kind = join(root, 'node_modules/@acme/kinds/kinds/widget');
      await writeFile(join(kind, 'files/gen/more.ts'), '// new in the second version\n');
      const text = await readFile(join(kind, 'kind.yaml'), 'utf8');
      await writeFile(join(kind, 'kind.yaml'), text.replace('version: 1\n', 'version: 2\n'));
      const primitive = join(root, 'primitives/widget/order-lines');
      await writeFile(join(primitive, 'src/order_lines.ts'), '// mine\n');
      await writeFile(join(primitive, 'gen/model.ts'), '// not ours to keep\n');
      // A new file in a new folder, and one that stays away.
      await mkdir(join(kind, 'files/new/folder'), { recursive: true });
      await writeFile(join(kind, 'files/new/folder/file'), 'new in the second version\n');
      await rm(join(primitive, 'bin'), { recursive: true });
    },
  },
  {
    what: 'an update, with a merge, a rename and a file that is dropped',
    update: true,
    begin: async (repo) => {
      const kind = join(repo.root, 'node_modules/@acme/kinds/kinds/widget');
      const lines = ['one', 'two', 'three', 'four', 'five', 'six'];
      const source = join(kind, 'files/src/[snake].ts.eta');
      await writeFile(source, `${lines.join('\n')}\n`);
      await scaffold(repo.root);
      const mine = `${lines.with(0, 'mine').join('\n')}\n`;
      await repo.commit({ 'primitives/widget/order-lines/src/order_lines.ts': mine }, 'Edit');
      await writeFile(source, `${lines.with(4, 'FIVE').join('\n')}\n`);
      await rename(join(kind, 'files/bin/run.eta'), join(kind, 'files/bin/start.eta'));
      await rm(join(kind, 'files/gen'), { recursive: true });
      await appendFile(join(kind, 'files/model.txt.eta'), 'more\n');
    },
  },
];

describe.each(CASES)('$what', ({ begin, update = false }) => {
  /** What a run without a fault does and leaves. */
  let operations: number;
  let after: Awaited<ReturnType<typeof treeOf>>;
  beforeAll(async () => {
    await using whole = await scaffoldRepo();
    await begin(whole);
    const run = await runWithFault(whole.root, 0, '', update);
    expect([run.code, run.operations > 10]).toEqual([0, true]);
    operations = run.operations;
    after = await treeOf(whole.root);
  });

  test.each(FAULTS)('%s at any point: all of it or nothing, and the same command goes on', async (how) => {
    let refused = 0;
    // Each point costs a process: every fault has its share of them, and the last ones.
    const share = Array.from({ length: operations }, (_, i) => i + 1).filter(
      (n) => n % FAULTS.length === FAULTS.indexOf(how) && n <= operations - 3,
    );
    // An early one too: later ones may only clean up.
    const [first = 1] = share;
    const points = new Set([first, ...partOf([...share, operations - 2, operations - 1, operations], 3)]);
    for (const at of points) {
      await using repo = await scaffoldRepo();
      await begin(repo);
      const before = await treeOf(repo.root);
      const result = await runWithFault(repo.root, at, how, update);
      const tree = await treeOf(repo.root);
      const left = Object.keys(tree).filter((path) => path.includes('.scaffold'));
      if (how === 'SIGKILL') {
        expect(result.code).toBe('SIGKILL');
        // Git is not to see what a killed process leaves.
        expect(repo.git('status', '--porcelain', '--untracked-files=all')).not.toContain('.scaffold');
      } else if (result.code !== 0) {
        refused += 1;
        expect([at, left]).toEqual([at, []]);
        expect([at, tree]).toEqual([at, before]);
      } else {
        // The operation only cleaned up; what is left is for the next run, and nothing to git.
        for (const path of left) delete tree[path];
        expect([at, tree]).toEqual([at, after]);
        expect(repo.git('status', '--porcelain', '--untracked-files=all')).not.toContain('.scaffold');
      }
      await scaffold(repo.root, { update });
      expect([at, await treeOf(repo.root)]).toEqual([at, after]);
    }
    if (how !== 'SIGKILL') expect(refused).toBeGreaterThan(0);
  });
});

test('two processes at once: the result is whole, and who comes second is told or finds it done', async () => {
  await using alone = await scaffoldRepo();
  await scaffold(alone.root);
  const expected = await treeOf(alone.root);
  for (let round = 0; round < 4; round += 1) {
    await using repo = await scaffoldRepo();
    const one = () => attempt(process.execPath, [program, repo.root]);
    const results = await Promise.all([one(), one(), one()]);
    expect(results.some(({ code }) => code === 0)).toBe(true);
    for (const { code, stdout } of results.filter((result) => result.code !== 0)) {
      expect(code).toBe(2);
      expect(['scaffold-busy', 'scaffold-moved']).toContain(JSON.parse(stdout).code);
    }
    expect(await treeOf(repo.root)).toEqual(expected);
  }
});

test('two processes at once with two names: both', async () => {
  await using repo = await scaffoldRepo();
  const run = (name: string) => attempt(process.execPath, [program, repo.root, name]);
  const results = await Promise.all([run('first'), run('second')]);
  expect(results.map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  const made = Object.keys(await treeOf(repo.root)).filter((path) => path.endsWith('primitive.yaml'));
  expect(made).toEqual(['primitives/widget/first/primitive.yaml', 'primitives/widget/second/primitive.yaml']);
});
