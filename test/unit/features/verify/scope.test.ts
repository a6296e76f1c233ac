import { expect, test } from 'vitest';
import type { VerifyRequest } from '../../../../src/features/verify/ports.ts';
import { readScope, type ScopePorts } from '../../../../src/features/verify/scope.ts';
import { bundledKinds, openKinds } from '../../../../src/kinds/kind.ts';
import { parseConfig } from '../../../../src/repository/config.ts';
import { type Files, memoryTree } from '../../../support/verify-corpus/tree.ts';

const root = '/repository';
const CONFIG = 'registry: ghcr.io/acme\n';
const everything: VerifyRequest = {
  selection: { selectors: [] },
  changedSince: undefined,
  mode: 'primitives',
  families: [],
  tests: true,
  install: false,
};

/** The scope of a request in a repository where some files have changed since every revision. */
async function scopeOf(
  files: Files,
  request: Partial<VerifyRequest> = {},
  changed: readonly string[] = [],
  repositories: readonly string[] = [],
) {
  const ports: ScopePorts = {
    location: { path: `${root}/primitive.config.yaml`, root, repositoryRoot: root, found: 'nearest' },
    config: await parseConfig({ text: CONFIG, shown: 'primitive.config.yaml', root }, '1.0.0'),
    kinds: await openKinds({ bundled: bundledKinds() }),
    tree: { ...memoryTree(files), changedSince: async () => changed, repositories: async () => repositories },
    cwd: root,
    rules: [],
  };
  return readScope({ ...everything, ...request }, ports);
}

const files: Files = {
  'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
  'primitives/domain/orders/main.go': 'package main\n',
  'primitives/agent/helper/primitive.yaml':
    'kind: agent\nname: helper\nbuild: { context: ".", inputs: ["primitives/agent/helper/**", "libs/**", "!libs/docs/**"] }\n',
  'libs/a.py': '',
  'README.md': '',
};
const selected = async (...args: Parameters<typeof scopeOf>) =>
  (await scopeOf(...args)).selected.map(({ id }) => id);

test('without primitives nothing would be checked: refused', async () => {
  await expect(scopeOf({ 'README.md': '' })).rejects.toMatchObject({ code: 'components-none', exit: 2 });
});

test('the whole repository takes no selection', async () => {
  const narrow = { mode: 'repo', selection: { selectors: ['domain/orders'] } } as const;
  await expect(scopeOf(files, narrow)).rejects.toMatchObject({ code: 'verify-mode', exit: 2 });
  await expect(scopeOf(files, { mode: 'repo', changedSince: 'main' })).rejects.toMatchObject({
    code: 'verify-mode',
  });
  expect((await scopeOf(files, { mode: 'repo' })).files).toEqual(Object.keys(files).sort());
});

test('a primitive has changed with its folder, with what its inputs name, and with the config', async () => {
  const since = { changedSince: 'main' };
  expect(await selected(files)).toEqual(['agent/helper', 'domain/orders']);
  expect(await selected(files, since, ['README.md'])).toEqual([]);
  expect(await selected(files, since, ['primitives/domain/orders/gone.go'])).toEqual(['domain/orders']);
  expect(await selected(files, since, ['libs/a.py'])).toEqual(['agent/helper']);
  expect(await selected(files, since, ['primitive.config.yaml'])).toEqual(['agent/helper', 'domain/orders']);
  expect(await selected(files, since, ['primitive.suppressions.yaml'])).toEqual([
    'agent/helper',
    'domain/orders',
  ]);
});

test('a primitive has changed with its Dockerfile, and every one with a kind', async () => {
  const since = { changedSince: 'main' };
  const elsewhere = {
    ...files,
    'primitives/agent/helper/primitive.yaml':
      'kind: agent\nname: helper\nbuild: { context: ".", dockerfile: ../../../docker/helper, inputs: ["libs/**"] }\n',
  };
  expect(await selected(elsewhere, since, ['docker/helper'])).toEqual(['agent/helper']);
  expect(await selected(elsewhere, since, ['docker/other'])).toEqual([]);
  expect(await selected(files, since, ['packages/kinds/domain/kind.yaml'])).toHaveLength(2);
});

test('a link where a primitive would be is not checked', async () => {
  const link = { link: '../../elsewhere' };
  const linked = {
    ...files,
    'primitives/domain/linked': link,
    'primitives/process': link,
    'libs/link': link,
  };
  const { unread } = await scopeOf(linked);
  expect(unread).toEqual([
    { what: 'primitives/domain/linked', why: 'a link' },
    { what: 'primitives/process', why: 'a link' },
  ]);
});

test('a folder with a repository of its own is not checked, where it would be', async () => {
  const found = ['libs/c', 'primitives/agent/helper/vendored', 'primitives/domain/other'];
  const foreign = async (request: Partial<VerifyRequest>) =>
    (await scopeOf(files, request, [], found)).unread.map(({ what }) => what);
  expect(await foreign({})).toEqual(found.slice(1));
  expect(await foreign({ mode: 'repo' })).toEqual(found);
  expect(await foreign({ selection: { selectors: ['domain/orders'] } })).toEqual(['primitives/domain/other']);
});

test('a suppression is judged only where its finding would have come up', async () => {
  const { covers } = await scopeOf(files, { selection: { selectors: ['domain/orders'] }, tests: false });
  expect(covers('SHAPE-001', 'primitives/domain/orders')).toBe(true);
  expect(covers('SHAPE-001', 'primitives/agent/helper')).toBe(false);
  expect(covers('TEST-001', 'primitives/domain/orders')).toBe(false);
  expect(covers('SEC-001', undefined)).toBe(false);
});
