import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openScanStore } from '../../../src/adapters/scan-store.ts';
import { openWorkTree } from '../../../src/adapters/work-tree.ts';
import { markerScan } from '../../../src/features/verify/markers.ts';
import { scanFiles } from '../../../src/features/verify/scan.ts';
import { gitEnvironment, temporaryFolder } from '../../support/git.ts';
import { scansHere } from '../../support/scan-threads.ts';
import { attemptUnprivileged, devCli } from '../../support/services/run.ts';

const processes = createProcesses(gitEnvironment);

async function write(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

/** Runs git in a folder; returns what it prints. */
function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd, env: gitEnvironment, encoding: 'utf8' }).trim();
}

function commit(root: string, message: string): string {
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--message', message);
  return git(root, 'rev-parse', 'HEAD');
}

test('a repository of another user is named as such, and a bare one too', async () => {
  await using folder = await temporaryFolder();
  git(folder.path, 'init', '--quiet');
  const foreign = createProcesses({ ...gitEnvironment, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' });
  await expect(openWorkTree(foreign, folder.path)).rejects.toMatchObject({
    code: 'git-unsafe-folder',
    exit: 2,
  });
  await expect(openWorkTree(processes, join(folder.path, '.git'))).rejects.toMatchObject({
    code: 'git-bare-repository',
    exit: 2,
  });
});

test('it lists tracked and untracked files, not ignored, deleted or foreign ones, before the first commit too', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  await expect(openWorkTree(processes, root)).rejects.toMatchObject({
    code: 'git-not-a-repository',
    exit: 2,
  });
  git(root, 'init', '--quiet');
  await write(root, {
    '.gitignore': '.env\nnode_modules\n',
    '.env': 'a',
    'b/ü.txt': 'b',
    'node_modules/c.js': 'c',
    d: 'd',
  });
  await symlink('b/ü.txt', join(root, 'link'));
  await symlink('loop', join(root, 'loop'));
  git(root, 'add', 'd');
  await rm(join(root, 'd'));
  const tree = await openWorkTree(processes, join(root, 'b'));
  expect(tree.root).toBe(root);
  expect(await tree.list()).toEqual(['.gitignore', 'b/ü.txt', 'link', 'loop']);
  expect(Buffer.from((await tree.read('b/ü.txt')) ?? []).toString()).toBe('b');
  expect(await tree.read('link')).toBeUndefined();
  expect(await tree.read('loop')).toBeUndefined();
  expect([...tree.unreadable]).toEqual([]);
  expect(await tree.read('b')).toBeUndefined();
  expect([...tree.unreadable]).toEqual([['b', 'it is not a plain file']]);
  expect(await tree.readLink('link')).toBe('b/ü.txt');
  if (process.getuid?.() !== 0) {
    await chmod(join(root, 'b/ü.txt'), 0);
    expect(await tree.read('b/ü.txt')).toBeUndefined();
    expect(tree.unreadable.get('b/ü.txt')).toBe('EACCES: permission denied');
  }
  await expect(tree.changedSince('HEAD')).rejects.toMatchObject({ code: 'revision-unknown', exit: 2 });
});

test('a folder that may not be looked into makes verify incomplete', async () => {
  await using folder = await temporaryFolder();
  git(folder.path, 'init', '--quiet');
  await write(folder.path, {
    'primitive.config.yaml': 'registry: a.example/acme\n',
    'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    'primitives/domain/closed/primitive.yaml': 'kind: domain\nname: closed\n',
    '.gitignore': 'ignored\n',
  });
  commit(folder.path, 'first');
  await write(folder.path, {
    'primitives/domain/new/primitive.yaml': 'kind: domain\nname: new\n',
    'primitives/domain/orders/ignored/a': '',
    'elsewhere/a': '',
  });
  for (const path of ['closed', 'new', 'orders/ignored', '../../elsewhere']) {
    await chmod(join(folder.path, 'primitives/domain', path), 0);
  }
  const args = ['verify', '--no-tests', '--only', 'MARK'];
  const { code, stdout } = await attemptUnprivileged(devCli, args, { cwd: folder.path });
  expect(code).toBe(3);
  const unread = [...stdout.matchAll(/(\S+) cannot be read: EACCES: permission denied \[\w+\]$/gm)];
  expect(unread.map(([, path]) => path)).toEqual([
    'primitives/domain/closed',
    'primitives/domain/closed/primitive.yaml',
    'primitives/domain/new',
  ]);
});

test('repositories inside of it are named, because their files are not listed', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet');
  for (const inner of ['sub', 'untracked/inner']) {
    await write(root, { [`${inner}/file`]: 'a' });
    git(join(root, inner), 'init', '--quiet');
    commit(join(root, inner), 'first');
  }
  git(root, '-c', 'advice.addEmbeddedRepo=false', 'add', 'sub');
  const tricky = `160000 ${'0'.repeat(40)} 0\tfile`;
  await write(root, { [tricky]: 'a' });
  const tree = await openWorkTree(processes, root);
  expect([await tree.list(), await tree.repositories()]).toEqual([[tricky], ['sub', 'untracked/inner']]);
});

test('what a sparse checkout leaves out is unreadable, not missing', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet');
  await write(root, { 'a/file': 'a', 'b/file': 'b' });
  commit(root, 'first');
  git(root, 'sparse-checkout', 'set', 'a');
  const tree = await openWorkTree(processes, root);
  expect(await tree.list()).toEqual(['a/file', 'b/file']);
  expect([await tree.read('a/file'), await tree.read('gone')]).toEqual([Buffer.from('a'), undefined]);
  expect([...tree.unreadable]).toEqual([]);
  expect(await tree.read('b/file')).toBeUndefined();
  expect([...tree.unreadable]).toEqual([['b/file', 'a sparse checkout leaves it out']]);
});

test('a submodule has changed with its commit, also where .gitmodules hides it', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet', '--initial-branch=main');
  await write(root, {
    'libs/file': '1',
    '.gitmodules': '[submodule "libs"]\n\tpath = libs\n\turl = ./libs\n\tignore = all\n',
  });
  git(join(root, 'libs'), 'init', '--quiet');
  commit(join(root, 'libs'), 'first');
  commit(root, 'first');
  git(root, 'checkout', '--quiet', '-b', 'topic');
  await write(root, { 'libs/file': '2' });
  commit(join(root, 'libs'), 'second');
  const tree = await openWorkTree(processes, root);
  expect(await tree.changedSince('main')).toEqual(['libs']);
});

test('what has changed is counted from where HEAD and the revision parted, with what is not committed', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet', '--initial-branch=main');
  await write(root, { a: '1', b: '1', c: '1' });
  commit(root, 'first');
  git(root, 'checkout', '--quiet', '-b', 'topic');
  await write(root, { a: '2' });
  commit(root, 'on the topic');
  git(root, 'checkout', '--quiet', 'main');
  await write(root, { c: '2' });
  commit(root, 'on main');
  git(root, 'checkout', '--quiet', '--detach', 'topic');
  await write(root, { 'new/file': '' });
  await rm(join(root, 'b'));
  const tree = await openWorkTree(processes, root);
  expect(await tree.changedSince('main')).toEqual(['a', 'b', 'new/file']);
  await expect(tree.changedSince('--output=x')).rejects.toMatchObject({ code: 'revision-unknown' });
  await expect(tree.changedSince('gone')).rejects.toMatchObject({ code: 'revision-unknown', exit: 2 });
});

test('a shallow clone without the commit to compare with is refused', async () => {
  await using folder = await temporaryFolder();
  const origin = join(folder.path, 'origin');
  await mkdir(origin);
  git(origin, 'init', '--quiet', '--initial-branch=main');
  await write(origin, { a: '1' });
  commit(origin, 'first');
  git(origin, 'checkout', '--quiet', '-b', 'topic');
  await write(origin, { a: '2' });
  commit(origin, 'second');
  git(origin, 'checkout', '--quiet', 'main');
  await write(origin, { b: '1' });
  commit(origin, 'third');
  const clone = join(folder.path, 'clone');
  git(
    folder.path,
    'clone',
    '--quiet',
    '--depth=1',
    '--no-single-branch',
    '--branch=topic',
    `file://${origin}`,
    'clone',
  );
  const tree = await openWorkTree(processes, clone);
  await expect(tree.changedSince('origin/main')).rejects.toMatchObject({
    code: 'revision-unrelated',
    exit: 2,
  });
});

test('of a file with a filter it reads what git holds, without starting the filter', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet');
  git(root, 'config', 'filter.turn.clean', 'tr a-z n-za-m');
  git(root, 'config', 'filter.turn.smudge', 'tr a-z n-za-m');
  await write(root, { '.gitattributes': '*.turned filter=turn\n', 'a.turned': 'hello', 'b.txt': 'hello' });
  commit(root, 'one');
  const started = join(root, '.git/started');
  git(root, 'config', 'filter.turn.clean', `touch ${started}; cat`);
  git(root, 'config', 'filter.turn.smudge', `touch ${started}; cat`);
  const tree = await openWorkTree(processes, root);
  const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
  const stored = await tree.stored();
  expect([...stored.keys()]).toEqual(['a.turned']);
  expect([text(await tree.read('a.turned')), text(await stored.get('a.turned')?.())]).toEqual([
    'hello',
    'uryyb',
  ]);
  expect(existsSync(started)).toBe(false);
});

test('a file is not read again until it is written, in whatever way', async () => {
  await using folder = await temporaryFolder();
  await using kept = await temporaryFolder();
  const root = folder.path;
  const file = (path: string) => join(root, path);
  /** The bytes of each file are as many and of the same time. */
  const put = async (path: string, text: 'nothing at all.' | 'AMEIDE_SCAFFOLD') => {
    await writeFile(file(path), text);
    await utimes(file(path), 1_000_000_000, 1_000_000_000);
  };
  git(root, 'init', '--quiet');
  await put('a.txt', 'nothing at all.');
  await put('b.txt', 'nothing at all.');
  await put('c.txt', 'AMEIDE_SCAFFOLD');
  const tree = await openWorkTree(processes, root);
  /** Reads files as each run does; returns which were read, and in which a marker was found. */
  const scan = async (minutes: number) => {
    // The file system has a clock of its own.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
    const read: string[] = [];
    const noting = (path: string) => {
      read.push(path);
      return tree.read(path);
    };
    const { facts } = await scanFiles(await tree.list(), [markerScan], {
      tree: { ...tree, read: noting },
      store: openScanStore(join(kept.path, 'store.json'), '1.0.0'),
      threads: scansHere(),
      inFile: () => ({ primitive: undefined, shippedBy: [] }),
      signal: new AbortController().signal,
    });
    vi.useRealTimers();
    return { read, found: facts.map(({ value }) => value.path) };
  };
  onTestFinished(() => void vi.useRealTimers());

  // Just written, they may be written again at the same time.
  expect(await scan(0)).toEqual({ read: ['a.txt', 'b.txt', 'c.txt'], found: ['c.txt'] });
  expect(await scan(0)).toEqual({ read: ['a.txt', 'b.txt', 'c.txt'], found: ['c.txt'] });
  expect(await scan(1)).toEqual({ read: ['a.txt', 'b.txt', 'c.txt'], found: ['c.txt'] });
  expect(await scan(1)).toEqual({ read: [], found: ['c.txt'] });

  await put('a.txt', 'AMEIDE_SCAFFOLD');
  await put('b.new', 'AMEIDE_SCAFFOLD');
  await rename(file('b.new'), file('b.txt'));
  expect(await scan(1)).toEqual({ read: ['a.txt', 'b.txt'], found: ['a.txt', 'b.txt', 'c.txt'] });

  // Written with the same bytes, it is read once.
  await put('c.txt', 'AMEIDE_SCAFFOLD');
  expect((await scan(1)).read).toEqual(['c.txt']);
  expect((await scan(1)).read).toEqual([]);

  // A time that is still to come says nothing.
  expect((await scan(-1)).read).toEqual(['a.txt', 'b.txt', 'c.txt']);

  await rm(file('c.txt'));
  await symlink('a.txt', file('c.txt'));
  expect(await scan(1)).toEqual({ read: ['c.txt'], found: ['a.txt', 'b.txt'] });
  expect([...tree.links]).toEqual(['c.txt']);
});

test('the attributes of a file change with its bytes, whatever size and time are set', async () => {
  await using folder = await temporaryFolder();
  const root = folder.path;
  git(root, 'init', '--quiet');
  await write(root, { 'a.txt': 'one\n', 'b.txt': 'same\n' });
  const time = new Date(1_700_000_000_000);
  await utimes(join(root, 'a.txt'), time, time);
  const tree = await openWorkTree(processes, root);
  const before = await tree.stamps();
  await write(root, { 'a.txt': 'two\n' });
  await utimes(join(root, 'a.txt'), time, time);
  const after = await tree.stamps();
  expect(after.get('a.txt')).not.toBe(before.get('a.txt'));
  expect(after.get('b.txt')).toBe(before.get('b.txt'));
});
