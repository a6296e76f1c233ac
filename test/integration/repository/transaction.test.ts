import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { applyChanges, type FileChange, type Transaction } from '../../../src/repository/transaction.ts';
import { bundleProgram } from '../../support/bundle-program.ts';
import { temporaryFolder } from '../../support/git.ts';
import { partOf } from '../../support/sample.ts';
import { attempt } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';

const support = join(import.meta.dirname, '../../support');
const text = (bytes: string, executable?: boolean) => ({
  bytes,
  ...(executable === undefined ? {} : { executable }),
});

/** Files that are there, and a change of each sort. */
const BEFORE: Readonly<Record<string, string>> = {
  kept: 'kept',
  replaced: 'old',
  'sub/replaced': 'old',
  'gone/deep/deleted': 'old',
  'turns-to-folder': 'old',
  'turns-to-file/below': 'old',
  'ünïcode name ; $(x)': 'old',
};
const digest = (path: string) => digestOf(BEFORE[path] ?? '');
const CHANGES: readonly FileChange[] = [
  { path: 'kept', before: digest('kept'), after: 'keep' },
  { path: 'new', before: undefined, after: text('new') },
  { path: 'new-folder/deep/new', before: undefined, after: text('#!', true) },
  { path: 'replaced', before: digest('replaced'), after: text('new') },
  { path: 'sub/replaced', before: digest('sub/replaced'), after: text('new', true) },
  { path: 'gone/deep/deleted', before: digest('gone/deep/deleted'), after: 'delete' },
  { path: 'turns-to-folder', before: digest('turns-to-folder'), after: 'delete' },
  { path: 'turns-to-folder/below', before: undefined, after: text('new') },
  { path: 'turns-to-file/below', before: digest('turns-to-file/below'), after: 'delete' },
  { path: 'turns-to-file', before: undefined, after: text('new') },
  { path: 'ünïcode name ; $(x)', before: digest('ünïcode name ; $(x)'), after: text('new') },
];
const NEW: readonly FileChange[] = [
  { path: 'a', before: undefined, after: text('a') },
  { path: 'b/c', before: undefined, after: text('#!', true) },
];

async function begin(folder: string, files = BEFORE): Promise<string> {
  const root = join(folder, 'root');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

function apply(root: string, changes = CHANGES, more: Partial<Transaction> = {}): Promise<void> {
  const staging = join(dirname(root), '.staging');
  return applyChanges({ root, changes, staging, what: 'write', code: 'kit', ...more });
}

describe('a set of changes', () => {
  test('is made as a whole: files written, replaced, deleted, and the folders that this leaves empty', async () => {
    await using folder = await temporaryFolder();
    const root = await begin(folder.path);
    await chmod(join(root, 'replaced'), 0o700);
    await apply(root);
    const names = Object.keys(await contentOf(root));
    expect(names.sort()).toEqual(
      CHANGES.flatMap(({ path, after }) => (after === 'delete' ? [] : [path])).sort(),
    );
    expect(existsSync(join(root, 'gone'))).toBe(false);
    expect(existsSync(join(folder.path, '.staging'))).toBe(false);
    // Said, kept from the file that was there, and the usual one.
    const executable = async (path: string) => ((await stat(join(root, path))).mode & 0o100) !== 0;
    expect([await executable('sub/replaced'), await executable('replaced')]).toEqual([true, true]);
    expect(await executable('new')).toBe(false);
  });

  test('of a new folder appears in an empty one', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'root'));
    await apply(join(folder.path, 'root'), NEW, { isNew: true });
    expect(Object.keys(await contentOf(join(folder.path, 'root')))).toEqual(['a', 'b/c']);
  });

  test('that only keeps files writes nothing', async () => {
    await using folder = await temporaryFolder();
    const root = await begin(folder.path);
    await apply(root, CHANGES.slice(0, 1));
    expect(await contentOf(root)).toEqual(await contentOf(await begin(join(folder.path, 'other'))));
  });
});

/** What somebody else does between plan and write. */
const OTHERS: readonly (readonly [string, (root: string) => Promise<unknown>])[] = [
  ['changes a file that is replaced', (root) => writeFile(join(root, 'replaced'), 'theirs')],
  ['changes a file that is kept', (root) => writeFile(join(root, 'kept'), 'theirs')],
  ['changes a file that is deleted', (root) => writeFile(join(root, 'gone/deep/deleted'), 'theirs')],
  ['deletes a file that is replaced', (root) => rm(join(root, 'sub/replaced'))],
  ['deletes a file that is deleted', (root) => rm(join(root, 'turns-to-folder'))],
  ['writes a file that is new', (root) => writeFile(join(root, 'new'), 'theirs')],
  ['writes a file where a folder comes', (root) => writeFile(join(root, 'new-folder'), 'theirs')],
  ['makes a folder where a file comes', (root) => mkdir(join(root, 'new'))],
  ['makes a file a link', (root) => toLink(join(root, 'replaced'))],
  ['makes a folder a link', (root) => toLink(join(root, 'sub'))],
  ['makes a link where a folder comes', (root) => symlink('/tmp', join(root, 'new-folder'))],
  ['adds a file to a folder that becomes a file', (root) => writeFile(join(root, 'turns-to-file/x'), '')],
];

async function toLink(path: string): Promise<void> {
  await rm(path, { recursive: true });
  const elsewhere = join(path, '../..', 'elsewhere');
  await mkdir(elsewhere, { recursive: true });
  await writeFile(join(elsewhere, 'replaced'), 'old');
  await symlink(path.endsWith('sub') ? elsewhere : join(elsewhere, 'replaced'), path);
}

test.each(OTHERS)('somebody %s: nothing is written', async (_, act) => {
  await using folder = await temporaryFolder();
  const root = await begin(folder.path);
  await act(root);
  const before = await contentOf(folder.path);
  await expect(apply(root)).rejects.toMatchObject({ code: 'kit-moved', exit: 2, retryable: true });
  expect(await contentOf(folder.path)).toEqual(before);
});

test('somebody fills the folder that is new: nothing is written', async () => {
  await using folder = await temporaryFolder();
  const root = await begin(folder.path, { theirs: 'x' });
  await expect(apply(root, NEW, { isNew: true })).rejects.toMatchObject({ code: 'kit-moved' });
  expect(Object.keys(await contentOf(folder.path))).toEqual(['root/theirs']);
});

test('a second process at the same time is refused', async () => {
  await using folder = await temporaryFolder();
  const root = await begin(folder.path);
  await begin(join(folder.path, '.staging'), { '../owner': `${process.pid}\n` });
  await expect(apply(root)).rejects.toMatchObject({ code: 'kit-busy', exit: 2, retryable: true });
});

describe('on a folder', () => {
  let programs: Awaited<ReturnType<typeof temporaryFolder>>;
  let program: string;
  beforeAll(async () => {
    programs = await temporaryFolder();
    program = join(programs.path, 'transaction-run.mjs');
    await bundleProgram(join(support, 'transaction-run.ts'), program);
  });
  afterAll(() => programs?.[Symbol.asyncDispose]());

  /** Runs in a process whose file operations fail at one point; `operations` counts them if it survives. */
  async function runWithFault(root: string, at: number, how: string) {
    const count = join(programs.path, 'count');
    const args = ['--import', join(support, 'failing-files.ts'), program, root];
    const env = { FAIL_AT: String(at), FAIL_HOW: how, FAIL_COUNT: count, NODE_COMPILE_CACHE: programs.path };
    const result = await attempt(process.execPath, args, { env }).catch((error: { signal?: string }) => ({
      code: error.signal ?? 'error',
      stdout: '',
    }));
    return { ...result, operations: Number(await readFile(count, 'utf8').catch(() => '0')) };
  }

  const SETS = [
    { what: 'that is there', files: BEFORE, changes: CHANGES, isNew: false },
    { what: 'that is new', files: {}, changes: NEW, isNew: true },
  ];
  const FAULTS = [
    ['ENOSPC', 'disk-full'],
    ['EACCES', 'not-writable'],
    ['EIO', 'not-written'],
    ['SIGKILL', undefined],
  ] as const;
  const cases = SETS.flatMap((set) => FAULTS.map(([how, code]) => ({ ...set, how, code })));

  test.each(cases)('$what, $how at any step', async ({ files, changes, isNew, how, code }) => {
    const start = async (folder: string) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'changes.json'), JSON.stringify({ changes, isNew }));
      return begin(folder, files);
    };
    await using whole = await temporaryFolder();
    const wholeRoot = await start(whole.path);
    const { code: ended, operations } = await runWithFault(wholeRoot, 0, '');
    expect([ended, operations > 5]).toEqual([0, true]);
    const after = await contentOf(whole.path);
    const points = partOf(
      Array.from({ length: operations }, (_, i) => i + 1),
      12,
    );
    let refused = 0;
    for (const at of points) {
      await using folder = await temporaryFolder();
      const root = await start(folder.path);
      const before = await contentOf(folder.path);
      const result = await runWithFault(root, at, how);
      const tree = await contentOf(folder.path);
      const content = Object.fromEntries(
        Object.entries(tree).filter(([path]) => !path.startsWith('.staging')),
      );
      if (how === 'SIGKILL') {
        // Each file that has its name is whole: the old or the new one.
        for (const [path, found] of Object.entries(content).filter(([name]) => !name.endsWith('/')))
          expect([at, path, [before[path], after[path]].map(String)]).toEqual([
            at,
            path,
            expect.arrayContaining([String(found)]),
          ]);
        if (isNew) expect([JSON.stringify(before), JSON.stringify(after)]).toContain(JSON.stringify(content));
      } else if (result.code === 0) {
        // The step only cleaned up.
        expect([at, content]).toEqual([at, after]);
      } else {
        refused += 1;
        expect([at, JSON.parse(result.stdout)]).toEqual([at, { code, exit: 3 }]);
        expect([at, tree]).toEqual([at, before]);
      }
    }
    if (how !== 'SIGKILL') expect(refused).toBeGreaterThan(0);
  });
});
