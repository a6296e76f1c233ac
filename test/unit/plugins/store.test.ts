import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { clashOf } from '../../../src/plugins/clash.ts';
import { usablePlugins } from '../../../src/plugins/set.ts';
import {
  type InstalledPlugin,
  keep,
  link,
  openNew,
  readInstalled,
  remove,
} from '../../../src/plugins/store.ts';

const base = mkdtempSync(join(tmpdir(), 'plugin-store-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let store: string;
beforeEach(() => {
  store = join(mkdtempSync(join(base, 'home-')), 'primitive', 'plugins');
});

const plain: Omit<InstalledPlugin, 'folder'> = {
  name: '@acme/rust',
  version: '1.0.0',
  api: '0.1',
  oclif: {},
  commands: [],
  kinds: [],
  rules: [],
  hooks: {},
  spec: '@acme/rust',
  integrity: 'sha512-x',
  resolved: 'https://registry.example/x.tgz',
  locked: null,
  linked: false,
};

/** As an install of npm would leave it. */
function install(plugin: Omit<InstalledPlugin, 'folder'> = plain): InstalledPlugin {
  using made = openNew(store);
  const folder = join(made.folder, 'node_modules', plugin.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  return keep(store, made.folder, plugin);
}

describe('the store', () => {
  test('is empty where there is no folder', () => {
    expect(readInstalled(store)).toEqual({ plugins: [], broken: [] });
  });

  test('holds what was installed, by name, and is gone with the last one', () => {
    const rust = install();
    const other = install({ ...plain, name: 'zig' });
    expect(readInstalled(store).plugins).toEqual([rust, other]);
    expect(remove(store, 'zig')).toBe(true);
    expect(readInstalled(store).plugins).toEqual([rust]);
    expect(remove(store, 'zig')).toBe(false);
    remove(store, '@acme/rust');
    expect(existsSync(join(store, '..'))).toBe(false);
  });

  test('keeps one version of a plugin', () => {
    install();
    install({ ...plain, version: '2.0.0' });
    expect(readInstalled(store).plugins.map(({ version }) => version)).toEqual(['2.0.0']);
    expect(readdirSync(store)).toHaveLength(2);
  });

  test('leaves a linked folder alone', () => {
    const folder = mkdtempSync(join(base, 'linked-'));
    writeFileSync(join(folder, 'package.json'), '{}');
    link(store, { ...plain, linked: true, folder });
    expect(readInstalled(store).plugins).toMatchObject([{ linked: true, folder }]);
    remove(store, plain.name);
    expect(readdirSync(folder)).toEqual(['package.json']);
  });

  test('loses what a killed install left, and nothing of one that runs', () => {
    const dead = 2 ** 22 + 1;
    const alive = process.ppid;
    const left = [`.new-${dead}-00000000`, `%40acme%2Frust@1.0.0-${dead}-00000000`];
    const running = [`.new-${alive}-00000000`, `%40acme%2Frust@1.0.0-${alive}-00000000`];
    for (const name of [...left, ...running]) mkdirSync(join(store, name), { recursive: true });
    install();
    const names = readdirSync(store);
    expect(names.filter((name) => left.includes(name))).toEqual([]);
    expect(names.filter((name) => running.includes(name)).sort()).toEqual([...running].sort());
  });

  test.each([
    ['that is not JSON', '{'],
    ['of another format', '{}'],
    [
      'whose folder is gone',
      JSON.stringify({ format: 'primitive.installed-plugin/v1', ...plain, folder: 'gone' }),
    ],
  ])('says what is wrong with a record %s', (_, text) => {
    const rust = install();
    writeFileSync(join(store, 'zig.json'), text.replace('@acme/rust', 'zig'));
    const { plugins, broken } = readInstalled(store);
    expect(plugins).toEqual([rust]);
    expect(broken).toEqual([{ name: 'zig', why: expect.stringMatching(/./) }]);
    expect(remove(store, 'zig')).toBe(true);
    expect(readInstalled(store).broken).toEqual([]);
  });
});

describe('plugins that cannot be used together', () => {
  const rust = { ...plain, commands: ['rust:audit'], kinds: ['rust'], folder: '/' };
  const rule = { id: 'RUST-001', level: 'error', title: '', subject: 'primitive', module: 'a.js' } as const;
  const none = { words: [], families: [], kinds: [] };
  test.each([
    ['a first word', { ...plain, name: 'other', commands: ['rust'] }, /the command rust/],
    ['a kind', { ...plain, name: 'other', kinds: ['rust'] }, /the kind rust/],
    ['a prefix', { ...plain, name: 'other', rules: [rule] }, /rules RUST-/],
  ])('share %s', (_, other, says) => {
    const clash = clashOf({ ...other, folder: '/' } as InstalledPlugin, [{ ...rust, rules: [rule] }], none);
    expect(clash?.why).toMatch(says);
    expect(clashOf(other as never, [], none)).toBeUndefined();
  });

  test('one of the names of this program', () => {
    const taken = { words: ['rust'], families: [], kinds: [] };
    expect(clashOf(rust, [], taken)?.message).toMatch(/beside primitive/);
  });

  test('the second one is left out and named, also one for another interface', () => {
    const second = { ...rust, name: 'zzz' };
    const { plugins, problems } = usablePlugins([{ ...rust, name: 'old', api: '0.0' }, rust, second], []);
    expect(plugins).toEqual([rust]);
    expect(problems.map(({ name, code }) => [name, code])).toEqual([
      ['old', 'plugin-api'],
      ['zzz', 'plugin-clash'],
    ]);
  });
});
