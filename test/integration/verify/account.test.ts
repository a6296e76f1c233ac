import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { verifySchema } from '../../../src/features/verify/document.ts';
import type { VerifyRequest } from '../../../src/features/verify/ports.ts';
import { rules } from '../../../src/features/verify/rules/all.ts';
import { verifyOutcome } from '../../../src/features/verify/view.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { createStyle } from '../../../src/render/style.ts';
import { contextEntries } from '../../../src/repository/build-context.ts';
import { loadConfig } from '../../../src/repository/config.ts';
import { findConfig } from '../../../src/repository/discovery.ts';
import { pathIn } from '../../../src/repository/folders.ts';
import { observeInputs } from '../../../src/repository/inputs.ts';
import { readComponents } from '../../../src/repository/primitives.ts';
import { gitEnvironment, gitRepo, type TestRepository } from '../../support/git.ts';
import { verifyRepository } from '../../support/verify-repository.ts';

const ORDERS = 'primitives/domain/orders';
const HELPER = 'primitives/agent/helper';
const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA7bq1Zk3YxvTnPq9s2LwRjU8dFcGhJkLmNoPqRsTuVwXyZ012\n'.repeat(12)}-----END RSA PRIVATE KEY-----\n`;
// Not written out, so that this file has none.
const TOKEN = ['ghp', 'Zx4uB8nQ2wE6rT0yU5iO9pA3sD7fG1hJ4kL8'].join('_');

let repo: TestRepository;

beforeAll(async () => {
  repo = await gitRepo({
    'primitive.config.yaml': 'registry: ghcr.io/acme\nimports: { forbidden: [github.com/pkg/errors] }\n',
    'README.md': '# Readme\n',
    'tools/gen.go': 'package tools\n\nimport "github.com/pkg/errors"\n',
    'tools/broken.ts': 'const a = ;\n',
    'tools/gen_test.go': 'package tools\n',
    Dockerfile: 'FROM alpine:latest\n',
    'primitives/README.md': '',
    [`${ORDERS}/primitive.yaml`]:
      'kind: domain\nname: orders\nbuild: { context: ".", inputs: ["pkg/**", "!pkg/docs/**", "primitives/domain/orders/**"] }\n',
    [`${ORDERS}/Dockerfile`]: 'FROM scratch\n',
    [`${ORDERS}/Dockerfile.debug`]: 'FROM alpine:latest\n',
    [`${ORDERS}/main.go`]: 'package main\n',
    [`${ORDERS}/vendor/github.com/x/y/y.go`]: 'package y\n',
    [`${ORDERS}/deploy/second.bpmn`]: '<definitions/>\n',
    [`${ORDERS}/link`]: { link: 'main.go' },
    [`${ORDERS}/outside.go`]: { link: '../../../tools/gen.go' },
    [`${HELPER}/primitive.yaml`]: 'kind: agent\nname: helper\n',
    [`${HELPER}/node_modules/a/index.js`]: 'module.exports = 1;\n',
    [`${HELPER}/.venv/lib/site-packages/a.py`]: 'a = 1\n',
    'pkg/creds/key.pem': KEY,
    'pkg/creds/c.go': `package creds\n\nconst token = "${TOKEN}"\n\n// AMEIDE_SCAFFOLD: write it\n`,
    'pkg/creds/c_test.go': 'package creds\n',
    'pkg/docs/page.md': `${TOKEN}\n`,
    'pkg/ebcdic.txt': Buffer.from(TOKEN),
    'pkg/ü "quoted"\n.txt': 'odd\n',
  });
  await repo.commit({ '.gitattributes': 'pkg/ebcdic.txt text working-tree-encoding=IBM037\n' });
  repo.git('checkout', '--quiet', '-b', 'topic');
  repo.git('rm', '--quiet', '--cached', 'pkg/ebcdic.txt');
  // As a checkout would write it: no byte of it is ASCII.
  await repo.write({ 'pkg/ebcdic.txt': ebcdic(TOKEN) });
  await repo.commit({ [`${HELPER}/new.py`]: 'a = 1\n' });
  // Not committed: verify judges the work tree.
  await repo.write({ [`${ORDERS}/untracked.go`]: 'package main\n', 'tools/nested/a.txt': 'a' });
  repo.git('-C', 'tools/nested', 'init', '--quiet');
  await rm(join(repo.root, 'primitives/README.md'));
});
afterAll(() => repo[Symbol.asyncDispose]());

/** In code page 37, as far as tokens need it. */
function ebcdic(text: string): Uint8Array {
  const ranges: readonly (readonly [first: string, code: number])[] = [
    ['0', 0xf0],
    ['A', 0xc1],
    ['J', 0xd1],
    ['S', 0xe2],
    ['a', 0x81],
    ['j', 0x91],
    ['s', 0xa2],
    ['_', 0x6d],
  ];
  return Uint8Array.from(text, (character) => {
    const [first = '', code = 0] =
      ranges
        .filter(([start]) => start <= character)
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .at(0) ?? [];
    return code + character.charCodeAt(0) - first.charCodeAt(0);
  });
}

const MODES: Readonly<Record<string, Partial<VerifyRequest>>> = {
  default: {},
  repo: { mode: 'repo' },
  'changed since': { changedSince: 'main' },
  'only secrets': { families: ['SEC'] },
  'only BPMN': { families: ['BPMN'] },
  'a selection': { selection: { selectors: ['domain/orders'] } },
  staged: { staged: true },
  'another selection': { selection: { selectors: ['agent/helper'] }, families: ['IMP', 'SHAPE'] },
};

/** Every path that a publish of each component would send, at HEAD. */
async function published(): Promise<ReadonlyMap<string, readonly string[]>> {
  const location = await findConfig({ cwd: repo.root });
  const [tree, config, kinds] = await Promise.all([
    openRepository(createProcesses(gitEnvironment), repo.root),
    loadConfig(location, '1.0.0'),
    openKinds({ bundled: bundledKinds() }),
  ]);
  const { components } = await readComponents(tree, { location, config, kinds });
  const sent = new Map<string, readonly string[]>();
  for (const { component, files } of await observeInputs(tree, components)) {
    const entries = await contextEntries(tree, { files });
    sent.set(
      component.id,
      entries.map(({ path }) => pathIn(component.build.context, path)),
    );
  }
  return sent;
}

test.each(Object.entries(MODES))(
  '%s: each file of git has one entry, and the totals are their sum',
  async (_, request) => {
    const { account, document } = await verifyRepository(repo.root, request);
    const listed = (...args: string[]) =>
      repo
        .git('ls-files', '-z', ...args)
        .split('\0')
        .filter(Boolean);
    // The index has what was deleted on disk, and nothing that is not tracked.
    const gone = new Set(listed('--deleted'));
    const expected = request.staged
      ? listed('--cached')
      : [...listed('--cached'), ...listed('--others', '--exclude-standard')].filter(
          (path) => !gone.has(path),
        );
    expect([...account.keys()].sort()).toEqual(expected.map((path) => path.replace(/\/$/, '')).sort());
    const { files, checked, leftOut, notOurs } = document.account;
    const sum = [...checked, ...leftOut, ...notOurs].reduce((total, one) => total + one.files, 0);
    expect([files, sum]).toEqual([account.size, account.size]);
    expect(Check(verifySchema, document)).toBe(true);
    // What is left out is said, and then the verdict is not that all was checked.
    expect(document.verdict).not.toBe('passed');
    for (const { why } of leftOut) {
      expect(document.unchecked.some((one) => one.why.startsWith(why) || why.startsWith('a link'))).toBe(
        true,
      );
    }
  },
);

test.each(Object.entries(MODES))(
  '%s: what a publish would send is judged, or said to be left out',
  async (_, request) => {
    const { account, document } = await verifyRepository(repo.root, request);
    for (const [id, paths] of await published()) {
      if (!document.scope.primitives.includes(id)) continue;
      const unjudged = paths.filter((path) => {
        const entry = account.get(path);
        return entry === undefined || ('notOurs' in entry && entry.notOurs !== 'link');
      });
      expect(unjudged).toEqual([]);
    }
  },
);

test('a key, a token and a marker that an image takes in from elsewhere are found', async () => {
  const { document } = await verifyRepository(repo.root, MODES['a selection']);
  const found = document.findings.filter(({ path }) => path.startsWith('pkg/'));
  expect(found.map(({ rule, path }) => `${rule} ${path}`)).toEqual([
    'SEC-002 pkg/creds/c.go',
    'MARK-001 pkg/creds/c.go',
    'SEC-001 pkg/creds/key.pem',
    'SEC-002 pkg/ebcdic.txt',
  ]);
});

test('without a change nothing has passed', async () => {
  const { document } = await verifyRepository(repo.root, {
    changedSince: 'HEAD',
    selection: { selectors: ['agent/helper'] },
  });
  expect([document.verdict, document.scope.primitives]).toEqual(['partial', []]);
  expect(document.unchecked).toContainEqual({ what: 'agent/helper', why: 'unchanged since HEAD' });
  const text = verifyOutcome({ document, runs: [], account: new Map() }, rules, '1.0.0').text(
    createStyle(false),
  );
  expect(text).toMatch(/^partial: nothing has changed since HEAD, 0 errors/m);
});

test('what no family reads of what is there is said', async () => {
  const unchecked = async (request: Partial<VerifyRequest>) =>
    (
      await verifyRepository(repo.root, { tests: true, families: ['SHAPE', 'IMP', 'BPMN'], ...request })
    ).document.unchecked
      .filter(({ why }) => !why.startsWith('--only'))
      .map(({ what, why }) => `${what}: ${why}`);
  expect(await unchecked({})).toEqual([
    `${ORDERS}/outside.go: a link to tools/gen.go`,
    `BPMN of ${ORDERS}/deploy/second.bpmn: no kind compiles it`,
    `IMP of ${HELPER}/.venv: what a package manager puts there is not parsed`,
    `IMP of ${HELPER}/node_modules: what a package manager puts there is not parsed`,
    `IMP of ${ORDERS}/vendor: what a package manager puts there is not parsed`,
    `SHAPE of ${ORDERS}/Dockerfile.debug: no primitive is built from it`,
  ]);
});

test('the repository as a whole has rules that apply everywhere, and says what others would have judged', async () => {
  const { document } = await verifyRepository(repo.root, { mode: 'repo' });
  const outside = document.findings.filter(({ path }) => path.startsWith('tools/'));
  expect(outside.map(({ rule, path }) => `${rule} ${path}`)).toEqual([
    'IMP-007 tools/broken.ts',
    'IMP-004 tools/gen.go',
  ]);
  expect(document.unchecked).toContainEqual({
    what: 'SHAPE of Dockerfile',
    why: 'no primitive is built from it',
  });
  expect(document.unchecked).toContainEqual({
    what: 'IMP of code in no primitive',
    why: expect.stringContaining('only for forbidden packages'),
  });
});

test('a repository whose only code is in no primitive is not said to have passed', async () => {
  await using outside = await gitRepo({
    'primitive.config.yaml': 'schema: primitive.config/v1\nregistry: ghcr.io/acme\n',
    'tools/gen.go': 'package tools\n\nimport "os/exec"\n\nvar Command = exec.Command\n',
  });
  const { document } = await verifyRepository(outside.root, { mode: 'repo' });
  expect([document.verdict, document.findings]).toEqual(['partial', []]);
});
