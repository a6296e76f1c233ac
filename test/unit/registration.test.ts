import { globSync, readFileSync } from 'node:fs';
import { cp, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BaseCommand } from '../../src/cli/base-command.ts';
import { commandManifest } from '../../src/cli/command-manifest.ts';
import { judge } from '../../src/features/verify/judge.ts';
import type { Context } from '../../src/features/verify/rule.ts';
import { ruleSet } from '../../src/features/verify/rule-set.ts';
import type { Fact, Primitive } from '../../src/features/verify/subjects.ts';
import { allKinds, bundledKinds, type Kind, OWN_KINDS, openKinds } from '../../src/kinds/kind.ts';
import { digestsOfKind, isScaffolded } from '../../src/kinds/template.ts';
import { BaseCommand as PluginCommand } from '../../src/plugin.ts';
import type { InstalledPlugin } from '../../src/plugins/store.ts';
import { importsOf } from '../support/imports.ts';

/** What is built in is registered as that of a plugin is; no code knows one of them by its name. */
const root = join(import.meta.dirname, '../..');
const sources = new Map(
  globSync('**/*.ts', { cwd: join(root, 'src') }).map((file) => [
    file,
    readFileSync(join(root, 'src', file), 'utf8'),
  ]),
);

const filesWith = (text: RegExp) =>
  [...sources].flatMap(([file, source]) => (text.test(source) ? [file] : [])).sort();

const importersOf = (wanted: string) =>
  [...sources].flatMap(([file, source]) => {
    const found = importsOf(file, source).some(
      (one) => one.kind !== 'type' && (one.file === wanted || one.specifier === wanted),
    );
    return found ? [file] : [];
  });

describe('commands', () => {
  const files = globSync('**/*.ts', { cwd: join(root, 'src/commands') }).sort();
  const ids = files.map((file) => file.replace(/\.ts$/, '').replaceAll('/', ':'));

  test('are found by their files, ours as those of a plugin, by one maker of manifests', async () => {
    const { name, version, oclif } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const folders = { target: './src/commands', packed: 'dist/commands' };
    const made = await commandManifest({ name, version, root, topics: oclif.topics }, folders);
    expect(Object.keys(made.commands).sort()).toEqual(ids);
    expect(importersOf('cli/command-manifest.ts')).toEqual(['commands/plugins/manifest.ts']);
    expect(readFileSync(join(root, '.ci/generate.ts'), 'utf8')).toContain('commandManifest(');
  });

  test('are loaded by oclif alone, from the manifest of a package', () => {
    expect(importersOf('@oclif/core/config').sort()).toEqual([
      'cli/command-manifest.ts',
      'cli/main.ts',
      'cli/plugin-commands.ts',
    ]);
    expect(filesWith(/\.runCommand\b/)).toEqual(['cli/main.ts']);
    expect(files.flatMap((file) => importersOf(`commands/${file}`))).toEqual([]);
  });

  test.each(files)('%s is a class of the base that plugins extend', async (file) => {
    const { default: command } = await import(join(root, 'src/commands', file));
    expect(command.prototype).toBeInstanceOf(BaseCommand);
    expect(PluginCommand.prototype).toBeInstanceOf(BaseCommand);
  });
});

describe('kinds', () => {
  const withoutPlace = ({ folder: _folder, source: _source, ...kind }: Kind) => kind;

  test('of ours are the same in a package', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'package-'));
    await cp(join(bundledKinds(), '..'), folder.path, { recursive: true });
    const ours = await allKinds(await openKinds({ [OWN_KINDS]: bundledKinds() }));
    const packed = await allKinds(await openKinds({ '@acme/kinds': join(folder.path, 'kinds') }));
    expect(ours.length).toBeGreaterThan(5);
    expect(packed.map(withoutPlace)).toEqual(ours.map(withoutPlace));
    // Of their templates.
    const digests = (kinds: readonly Kind[]) => Promise.all(kinds.filter(isScaffolded).map(digestsOfKind));
    expect(await digests(packed)).toEqual(await digests(ours));
  });

  test('are known to no code by their names', async () => {
    const { names } = await openKinds({ [OWN_KINDS]: bundledKinds() });
    // `service` is a word of proto files and of registries, too.
    const literal = new RegExp(`'(${names.filter((name) => name !== 'service').join('|')})'`);
    expect(filesWith(new RegExp(`\\bkind(\\.kind)? === '(${names.join('|')})'`))).toEqual([]);
    /** File -> why it has one. */
    const allowed: Readonly<Record<string, string>> = {
      'features/gitops-init/previews.ts': 'a default that kit.yaml shows and can change',
      'features/scaffold/run.ts': 'an example in a suggestion',
      'features/verify/rule-process.ts': 'the module `process` of Node',
      'repository/config-rules.ts': 'an example that a template of names is tried with',
    };
    expect(filesWith(literal)).toEqual(Object.keys(allowed));
  });

  test('are opened by one function, whatever package they are of', () => {
    expect(filesWith(/\bopenAllKinds\(/)).toEqual([
      'app/repository.ts',
      'features/verify/policy.ts',
      'kinds/packages.ts',
    ]);
  });
});

describe('rules', () => {
  const plugin: InstalledPlugin = {
    name: '@acme/rust',
    version: '1.2.3',
    api: '0.1',
    oclif: {},
    commands: [],
    kinds: [],
    rules: [
      { id: 'RUST-001', level: 'warning', title: 'Edition is old', subject: 'file', module: 'rules/a.js' },
    ],
    hooks: {},
    spec: '@acme/rust@^1',
    integrity: null,
    resolved: null,
    locked: null,
    linked: false,
    folder: '/plugins/@acme/rust',
  };

  test('are put together in one place', () => {
    const set = 'features/verify/rule-set.ts';
    expect(importersOf('features/verify/rules/all.ts')).toEqual([set]);
    expect(importersOf('features/verify/own-rules.ts')).toEqual([set]);
    expect(filesWith(/\bforeignRules\(/)).toEqual(['features/verify/foreign.ts', set]);
    expect(importersOf(set).sort()).toEqual(['commands/explain.ts', 'features/verify/open.ts']);
  });

  test('of this program, a config and a plugin are judged alike', async () => {
    const own = [{ id: 'OWN-001' as const, title: 'Readme is missing', requireFiles: ['README.md'] }];
    const set = ruleSet(own, { plugins: [plugin], problems: [], notices: [] });
    const path = 'primitives/crate/parser';
    const primitive: Primitive = {
      id: 'crate/parser',
      path,
      kind: undefined,
      manifest: undefined,
      component: undefined,
      faults: [],
      files: ['values.yaml'],
    };
    const inFile = { primitive, shippedBy: [] };
    const facts: readonly Fact[] = [
      { subject: 'primitive', value: primitive },
      {
        subject: 'deploymentFile',
        value: { ...inFile, path: `${path}/values.yaml`, line: 1, what: 'A chart' },
      },
      {
        subject: 'foreign',
        value: { path: `${path}/values.yaml`, rule: 'RUST-001', problem: { message: 'Edition 2018.' } },
      },
    ];
    const found = await judge(set, facts, { base: '', runs: [], shipped: new Map() } as unknown as Context);
    const byRule = new Map(found.map((finding) => [finding.rule, finding]));
    expect(byRule.get('SHAPE-002')).toMatchObject({ level: 'error', path: `${path}/values.yaml` });
    expect(byRule.get('OWN-001')).toMatchObject({ level: 'error', path });
    expect(byRule.get('RUST-001')).toMatchObject({
      level: 'warning',
      path: `${path}/values.yaml`,
      plugin: '@acme/rust@1.2.3',
    });
    for (const { fingerprint } of found) expect(fingerprint).toMatch(/^[0-9a-f]{32}$/);
  });
});
