import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkoutOf, checkoutsAround, sortFolders } from '../../../src/toolchain/folders.ts';

let dir: string;
beforeEach(async () => {
  dir = realpathSync(await mkdtemp(join(tmpdir(), 'folders-test-')));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function make(...folders: readonly string[]): void {
  for (const folder of folders) mkdirSync(join(dir, folder), { recursive: true });
}

function link(from: string, to: string): void {
  mkdirSync(dirname(join(dir, from)), { recursive: true });
  symlinkSync(join(dir, to), join(dir, from));
}

const rules = (allowed: readonly string[] = []) => ({
  checkouts: [join(dir, 'repo')],
  allowed: allowed.map((folder) => join(dir, folder)),
});

describe.skipIf(process.platform === 'win32')('folders of PATH', () => {
  const usedOf = (folders: readonly string[], allowed: readonly string[] = []) =>
    sortFolders(
      folders.map((folder) => join(dir, folder)),
      rules(allowed),
    ).used.map((folder) => folder.slice(dir.length + 1));

  test('in the repository are skipped, by name and by link', () => {
    make('repo/bin', 'usr/bin', 'repository/bin');
    link('opt/bin', 'repo/bin');
    link('repo/out', 'usr/bin');
    link('other', 'repo');
    const folders = ['repo', 'repo/bin', 'opt/bin', 'repo/out', 'other/bin', 'repo/none', 'repo/../repo/bin'];
    expect(usedOf([...folders, 'usr/bin', 'repository/bin'])).toEqual(['usr/bin', 'repository/bin']);
  });

  test('that packages fill are skipped, wherever they are', () => {
    make(
      'home/.npm/_npx/1/node_modules/.bin',
      'lib/node_modules/npm/lib/node-gyp-bin',
      'xfs-9d9c8b1d',
      'bin',
    );
    link('innocent', 'home/.npm/_npx/1/node_modules/.bin');
    const folders = [
      'home/.npm/_npx/1/node_modules/.bin',
      'lib/node_modules/npm/lib/node-gyp-bin',
      'none/node_modules/.bin',
      'NODE_MODULES/.bin',
      'innocent',
      'xfs-9d9c8b1d',
      'bin',
    ];
    expect(usedOf(folders)).toEqual(['bin']);
  });

  test('that the environment allows are used, and no others beside them', () => {
    make('repo/bin', 'repo/bin/deeper', 'repo/node_modules/.bin');
    link('opt/bin', 'repo/bin');
    const folders = ['repo/bin', 'opt/bin', 'repo/bin/deeper', 'repo/node_modules/.bin'];
    expect(usedOf(folders, ['repo/bin'])).toEqual(['repo/bin', 'opt/bin']);
  });

  test('say why they are skipped', () => {
    make('repo/bin', 'node_modules/.bin');
    const folders = [join(dir, 'repo/bin'), join(dir, 'node_modules/.bin')];
    expect(sortFolders(folders, rules()).skipped).toEqual([
      { folder: folders[0], why: `it is in the repository ${join(dir, 'repo')}` },
      { folder: folders[1], why: 'packages of npm fill it' },
    ]);
  });
});

describe.skipIf(process.platform === 'win32')('a program', () => {
  test('that leads into the repository is of the repository', () => {
    make('repo/tools', 'bin');
    writeFileSync(join(dir, 'repo/tools/git'), '');
    symlinkSync('../repo/tools/git', join(dir, 'bin/git'));
    expect(checkoutOf(join(dir, 'bin/git'), rules())).toBe(join(dir, 'repo'));
    expect(checkoutOf(join(dir, 'bin/git'), rules(['bin']))).toBeUndefined();
    expect(checkoutOf(join(dir, 'bin/none'), rules())).toBeUndefined();
  });
});

describe('the repositories around a folder', () => {
  test('are the nearest, and those around it where the home folder is not in them', () => {
    make('.git', 'home', 'src/.git', 'src/app/lib');
    writeFileSync(join(dir, 'src/app/.git'), 'gitdir: ../.git/modules/app\n');
    const folders = checkoutsAround(join(dir, 'src/app/lib'), join(dir, 'home'));
    expect(folders).toEqual([join(dir, 'src/app'), join(dir, 'src')]);
    expect(checkoutsAround(join(dir, 'home'), join(dir, 'home'))).toEqual([dir]);
  });

  test('are the folder itself outside of git, unless it is where everything is', () => {
    make('plain', 'home/me');
    expect(checkoutsAround(join(dir, 'plain'), join(dir, 'home/me'))).toEqual([join(dir, 'plain')]);
    expect(checkoutsAround(join(dir, 'home'), join(dir, 'home/me'))).toEqual([]);
  });
});
