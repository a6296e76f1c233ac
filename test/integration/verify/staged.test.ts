import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openStagedTree } from '../../../src/adapters/staged-tree.ts';
import { gitEnvironment } from '../../support/git.ts';

let root: string;
const git = async (...args: readonly string[]) =>
  execFileSync('git', args, { cwd: root, env: gitEnvironment });
const write = async (path: string, text: string) => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};
const open = () => openStagedTree(createProcesses(gitEnvironment), root);
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verify-staged-'));
  await git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('it has the files of the index, not those of the work tree', async () => {
  await write('.gitignore', 'node_modules\n');
  await write('a.txt', 'staged');
  await write('b.txt', 'committed');
  await symlink('a.txt', join(root, 'link'));
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'one');
  await write('a.txt', 'later');
  await write('b.txt', 'changed');
  await git('add', 'b.txt');
  await rm(join(root, 'b.txt'));
  await write('untracked.txt', 'x');
  await write('node_modules/dep/package.json', '{}');
  const tree = await open();
  expect(await tree.list()).toEqual(['.gitignore', 'a.txt', 'b.txt', 'link']);
  expect(textOf(await tree.read('a.txt'))).toBe('staged');
  expect(textOf(await tree.read('b.txt'))).toBe('changed');
  expect(await tree.read('untracked.txt')).toBeUndefined();
  expect(await tree.read('link')).toBeUndefined();
  expect([[...tree.links], await tree.readLink('link')]).toEqual([['link'], 'a.txt']);
  expect(textOf(await tree.read('node_modules/dep/package.json'))).toBe('{}');
  expect(await tree.changedSince('HEAD')).toEqual(['b.txt']);
});

test('what was removed from the index is not there, and neither is anything before the first file', async () => {
  expect(await (await open()).list()).toEqual([]);
  await write('a.txt', 'a');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'one');
  await git('rm', '--quiet', '--cached', 'a.txt');
  const tree = await open();
  expect([await tree.list(), await tree.read('a.txt'), await tree.changedSince('HEAD')]).toEqual([
    [],
    undefined,
    ['a.txt'],
  ]);
});
