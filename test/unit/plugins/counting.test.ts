import { describe, expect, test } from 'vitest';
import { baseRevision } from '../../../src/plugins/base.ts';
import { countingPlugins } from '../../../src/plugins/counting.ts';
import { pinnedPlugins, pluginNames } from '../../../src/plugins/pinned.ts';
import { NO_PLUGINS } from '../../../src/plugins/set.ts';
import { ACME } from '../../support/plugin-set.ts';

const sha512 = (letter: string) => `sha512-${letter.repeat(86)}==`;
const from = (name: string, version: string, more: object = {}) => ({
  version,
  resolved: `https://registry.example/${name}-${version}.tgz`,
  integrity: sha512(version[0] ?? 'a'),
  ...more,
});
const lockOf = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages });
const config = (...names: string[]) => `registry: ghcr.io/acme\nplugins: ${JSON.stringify(names)}\n`;
const own = { 'node_modules/@acme/rules': from('rules', '1.2.3') };

describe('what config and lock file pin', () => {
  test('is the plugin with all that it depends on, as Node would find it', () => {
    const { plugins, problems } = pinnedPlugins(
      config('@acme/rules'),
      lockOf({
        '': { dependencies: { other: '1.0.0' } },
        'node_modules/@acme/rules': from('rules', '1.2.3', {
          dependencies: { a: '^1', b: '^2' },
          optionalDependencies: { none: '*' },
          hasInstallScript: true,
        }),
        'node_modules/a': from('a', '1.0.0', { dependencies: { b: '^1' } }),
        'node_modules/a/node_modules/b': from('b', '1.0.0'),
        'node_modules/b': from('b', '2.0.0', { dependencies: { a: '*' } }),
        'node_modules/other': from('other', '1.0.0'),
      }),
    );
    expect(problems).toEqual([]);
    const [plugin] = plugins;
    expect(plugin).toMatchObject({ name: '@acme/rules', version: '1.2.3', integrity: sha512('1') });
    expect(Object.keys(JSON.parse(plugin?.lock ?? '').packages)).toEqual([
      '',
      'node_modules/@acme/rules',
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/b',
    ]);
    expect(JSON.parse(plugin?.manifest ?? '').dependencies).toEqual({ '@acme/rules': '1.2.3' });
  });

  test.each([
    ['is not in the lock file', lockOf({}), /does not have it/],
    ['has no lock file', undefined, /does not have it/],
    ['has a lock file that is not JSON', '<<<<<<<', /does not have it/],
    [
      'has no integrity',
      lockOf({ 'node_modules/@acme/rules': { version: '1.0.0' } }),
      /no SHA-512 integrity/,
    ],
    [
      'is pinned by SHA-1',
      lockOf({ 'node_modules/@acme/rules': from('a', '1.0.0', { integrity: 'sha1-x' }) }),
      /SHA-512/,
    ],
    ['is a link', lockOf({ 'node_modules/@acme/rules': { link: true, resolved: 'x' } }), /a link/],
    [
      'is a file of the repository',
      lockOf({ 'node_modules/@acme/rules': from('a', '1.0.0', { resolved: 'file:evil.tgz' }) }),
      /not from a registry/,
    ],
    [
      'is from git',
      lockOf({ 'node_modules/@acme/rules': from('a', '1.0.0', { resolved: 'git+ssh://git@example.com/a' }) }),
      /not from a registry/,
    ],
    [
      'needs what the lock file does not have',
      lockOf({ 'node_modules/@acme/rules': from('a', '1.0.0', { dependencies: { b: '1' } }) }),
      /does not have b, which @acme\/rules needs/,
    ],
    [
      'needs what has no integrity',
      lockOf({
        'node_modules/@acme/rules': from('a', '1.0.0', { dependencies: { b: '1' } }),
        'node_modules/b': { version: '1' },
      }),
      /integrity of b/,
    ],
  ])('one that %s is a problem', (_, lock, says) => {
    const { plugins, problems } = pinnedPlugins(config('@acme/rules'), lock);
    expect(plugins).toEqual([]);
    expect(problems).toEqual([
      expect.objectContaining({ code: 'plugin-unpinned', message: expect.stringMatching(says) }),
    ]);
  });

  test.each([[undefined], ['- ['], ['plugins: 7'], ['plugins: [../../x, "", 7]'], ['a']])(
    '%j names none',
    (text) => {
      expect(pluginNames(text)).toEqual([]);
    },
  );
});

describe('in CI', () => {
  const base = pinnedPlugins(config('@acme/rules'), lockOf(own));
  const none = pinnedPlugins(config(), lockOf({}));
  const newer = pinnedPlugins(
    config('@acme/rules'),
    lockOf({ 'node_modules/@acme/rules': from('rules', '2.0.0') }),
  );
  const [pinned] = base.plugins;
  const there = { ...ACME, integrity: pinned?.integrity ?? '', locked: pinned?.locked ?? '' };
  const installed = { ...NO_PLUGINS, plugins: [there] };
  const isData = () => false;
  const codes = (set: ReturnType<typeof countingPlugins>) => ({
    plugins: set.plugins.map(({ name }) => name),
    problems: set.problems.map(({ code }) => code),
    notices: set.notices.map(({ message }) => message),
  });

  test('a plugin counts that the merge base names, if it is installed so', () => {
    expect(codes(countingPlugins({ base, here: base, isData }, installed))).toEqual({
      plugins: ['@acme/rules'],
      problems: [],
      notices: [],
    });
  });

  test('one that this change names is not loaded, also if it is installed, and is said', () => {
    expect(codes(countingPlugins({ base: none, here: base, isData }, installed))).toEqual({
      plugins: [],
      problems: [],
      notices: [expect.stringMatching(/not loaded: this change names it/)],
    });
  });

  test('one that this change removes counts, and is said', () => {
    expect(codes(countingPlugins({ base, here: none, isData }, installed))).toEqual({
      plugins: ['@acme/rules'],
      problems: [],
      notices: [expect.stringMatching(/counts: .* this change does not/)],
    });
  });

  test('one that this change updates counts as before, and is said', () => {
    expect(codes(countingPlugins({ base, here: newer, isData }, installed))).toEqual({
      plugins: ['@acme/rules'],
      problems: [],
      notices: [expect.stringMatching(/counts as 1\.2\.3 of the merge base/)],
    });
  });

  test.each([
    ['not at all', []],
    ['by npm alone', [{ ...there, locked: null }]],
    ['with other dependencies', [{ ...there, locked: 'other' }]],
    ['with other bytes', [{ ...there, integrity: 'other' }]],
    ['as a link', [{ ...there, linked: true }]],
  ])('one that is installed %s is a problem', (_, plugins) => {
    expect(codes(countingPlugins({ base, here: base, isData }, { ...installed, plugins }))).toMatchObject({
      plugins: [],
      problems: ['plugin-not-installed'],
    });
  });

  test('a package that holds kinds alone need not be installed, unless this change touches it', () => {
    const data = { base, here: base, isData: () => true };
    expect(codes(countingPlugins(data, NO_PLUGINS)).problems).toEqual([]);
    expect(codes(countingPlugins({ ...data, here: newer }, NO_PLUGINS)).problems).toEqual([
      'plugin-not-installed',
    ]);
    expect(codes(countingPlugins({ ...data, here: none }, NO_PLUGINS)).problems).toEqual([
      'plugin-not-installed',
    ]);
  });

  test('what the merge base names and does not pin is a problem', () => {
    const unpinned = pinnedPlugins(config('@acme/rules'), undefined);
    expect(codes(countingPlugins({ base: unpinned, here: base, isData }, installed))).toMatchObject({
      plugins: [],
      problems: ['plugin-unpinned'],
    });
  });
});

describe('the revision that decides', () => {
  const event = JSON.stringify({ repository: { default_branch: 'main' } });
  const github = { GITHUB_ACTIONS: 'true', GITHUB_SHA: 'abc' };
  test.each([
    ['main', { ...github, GITHUB_REF: 'refs/heads/main' }, event, 'abc'],
    [
      'a pull request',
      { ...github, GITHUB_REF: 'refs/pull/7/merge', GITHUB_BASE_REF: 'evil' },
      event,
      'refs/remotes/origin/main',
    ],
    ['another branch', { ...github, GITHUB_REF: 'refs/heads/topic' }, event, 'refs/remotes/origin/main'],
    [
      'pull_request_target, on main with another checkout',
      { ...github, GITHUB_REF: 'refs/heads/main', GITHUB_BASE_REF: 'main' },
      event,
      'abc',
    ],
    ['an event without the branch', { ...github, GITHUB_REF: 'refs/heads/main' }, '{}', undefined],
    ['no event', github, undefined, undefined],
    ['another CI', { CI: 'true' }, undefined, undefined],
    ['another CI that says it', { CI: 'true', PRIMITIVE_BASE: 'origin/main' }, undefined, 'origin/main'],
  ])('of %s', (_, variables, text, revision) => {
    expect(baseRevision(variables, text)).toBe(revision);
  });
});
