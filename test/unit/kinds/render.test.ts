import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OwnerRule, render, templateVariables } from '../../../src/kinds/render.ts';
import { readBases, readTemplate, type Template } from '../../../src/kinds/template.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const base = `docker.io/library/x:1@${digest}`;
const bases = { goBuild: base, goRun: base, python: base, nodeBuild: base, nodeRun: base };
const run = { port: 8080, live: '/livez', ready: '/readyz', drainSeconds: 10 };
const primitive = { kind: 'domain', name: 'order-lines', templateVersion: 3, image: 'domain-order-lines' };
const languages = { go: { module: 'github.com/acme/app' }, proto: { package: 'acme' } };
const it = templateVariables({ ...primitive, inputs: {}, bases, run }, languages);
const anybody: readonly OwnerRule[] = [{ path: '**', owner: 'impl' }];

const template = (files: Readonly<Record<string, string>>): Template =>
  Object.entries(files).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }));

async function rendered(files: Readonly<Record<string, string>>, rules = anybody) {
  const result = render(template(files), rules, it);
  return Object.fromEntries([...result].map(([path, { bytes }]) => [path, new TextDecoder().decode(bytes)]));
}

describe('render', () => {
  test('fills in templates, and copies the rest byte for byte', async () => {
    const files = { 'a.go.eta': 'package <%= it.names.flat %>', 'b.txt': '<%= it.name %>\r\n\r\n' };
    expect(await rendered(files)).toEqual({
      'a.go': 'package orderlines\n',
      'b.txt': '<%= it.name %>\r\n\r\n',
    });
  });

  test('ends the lines of templates with one line feed, and the last line too', async () => {
    expect(await rendered({ 'a.eta': 'one\r\ntwo\r\n\r\n' })).toEqual({ a: 'one\ntwo\n' });
  });

  test('leaves out a template that comes out empty', async () => {
    expect(await rendered({ 'a.eta': '<% if (it.inputs.service) { %>\ntext\n<% } %>\n', b: '' })).toEqual({
      b: '',
    });
  });

  test('names paths', async () => {
    const files = {
      'src/[snake]/[pascal]Test.x': '',
      'proto/[proto]/a.proto': '',
      '[kebab]/.gitignore.eta': 'x',
    };
    expect(Object.keys(await rendered(files))).toEqual([
      'order-lines/.gitignore',
      'proto/acme/domain/order_lines/v1/a.proto',
      'src/order_lines/OrderLinesTest.x',
    ]);
  });

  test('sorts by code unit, not in the order of the template', async () => {
    const names = ['a', 'B', 'a/b'.replace('/', '-'), 'é', 'Z', '_', '10', '9'];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(names, { minLength: names.length }), async (shuffled) => {
        const result = await rendered(Object.fromEntries(shuffled.map((name) => [`f${name}`, name])));
        expect(Object.keys(result)).toEqual([...names].sort().map((name) => `f${name}`));
      }),
    );
  });

  test('gives each file its first owner, and makes programs executable', async () => {
    const rules: OwnerRule[] = [
      { path: 'gen/**', owner: 'generated' },
      { path: '*.yaml', owner: 'config' },
      { path: '**', owner: 'impl' },
    ];
    const files = { 'gen/a.go': '', 'x.yaml': '', 'deep/x.yaml': '', 'run.sh': '#!/bin/sh\n', '.hidden': '' };
    const result = render(template(files), rules, it);
    expect([...result].map(([path, { mode, owner }]) => `${path} ${mode} ${owner}`)).toEqual([
      '.hidden 100644 impl',
      'deep/x.yaml 100644 impl',
      'gen/a.go 100644 generated',
      'run.sh 100755 impl',
      'x.yaml 100644 config',
    ]);
  });

  test.each([
    ['a folder above', '../x', 'kind-path-invalid'],
    ['a folder above, later', 'a/../../x', 'kind-path-invalid'],
    ['an absolute path', '/etc/x', 'kind-path-invalid'],
    ['a path of Windows', 'a\\..\\x', 'kind-path-invalid'],
    ['git itself', '.git/hooks/x', 'kind-path-invalid'],
    ['an unknown placeholder', '[nmae]/x', 'kind-path-invalid'],
    ['a placeholder of Object', '[constructor]/x', 'kind-path-invalid'],
    ['a language without entry', 'src/[python]/x', 'kind-path-invalid'],
  ])('refuses %s', async (_, path, code) => {
    await expect(rendered({ [path]: '' })).rejects.toMatchObject({ code, exit: 2 });
  });

  test.each([
    ['the same twice', { 'a.txt': '', 'a.txt.eta': 'x' }],
    ['two that differ in case only', { 'README.md': '', 'readme.md': '' }],
    ['a file where a folder must be', { a: '', 'a/b': '' }],
    ['a folder where a file must be, in another case', { 'A/b': '', a: '' }],
  ])('refuses %s', async (_, files) => {
    await expect(rendered(files)).rejects.toMatchObject({ code: 'kind-path-invalid' });
  });

  test('refuses a file that nobody owns', async () => {
    const rules: OwnerRule[] = [{ path: '*.go', owner: 'impl' }];
    await expect(rendered({ 'a.md': '' }, rules)).rejects.toMatchObject({
      code: 'kind-file-unowned',
      message: 'domain/kind.yaml has no owner for a.md.',
    });
  });

  test('names the file and line of a bad template', async () => {
    await expect(rendered({ 'a/b.eta': 'x\n<%= it.nothing %>\n' })).rejects.toMatchObject({
      code: 'kind-template-invalid',
      message: expect.stringContaining('domain/files/a/b.eta:2: '),
    });
  });
});

describe('reading', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'primitive-kinds-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('takes all files of a folder, sorted', async () => {
    const kind = join(folder, 'kind');
    await mkdir(join(kind, 'b/.c'), { recursive: true });
    for (const path of ['b/x', 'b/.c/y', 'a', 'b.txt']) await writeFile(join(kind, path), path);
    expect(readTemplate([kind]).map(({ path }) => path)).toEqual(['a', 'b.txt', 'b/.c/y', 'b/x']);
  });

  test('refuses a link, which could lead anywhere', async () => {
    const kind = join(folder, 'linked');
    await mkdir(kind);
    await symlink('/etc/passwd', join(kind, 'a'));
    expect(() => readTemplate([kind])).toThrow(expect.objectContaining({ code: 'kind-template-invalid' }));
  });

  test('every bundled base has a tag and a digest', async () => {
    const bundled = await readBases(join(import.meta.dirname, '../../../templates/bases.yaml'));
    expect(Object.keys(bundled).sort()).toEqual(Object.keys(bases).sort());
  });

  test.each([
    ['no digest', base.replace(/@.*/, '')],
    ['no tag', `docker.io/library/x@${digest}`],
    ['half a digest', base.slice(0, -1)],
  ])('refuses a base with %s', async (_, reference) => {
    const file = join(folder, 'bases.yaml');
    const lines = Object.entries({ ...bases, python: reference }).map(([use, text]) => `${use}: ${text}\n`);
    await writeFile(file, lines.join(''));
    await expect(readBases(file)).rejects.toMatchObject({ code: 'kind-invalid', exit: 2 });
  });
});
