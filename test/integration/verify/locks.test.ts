import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { tool } from '../../tools/locate.ts';
import { environment, found, verifySuites } from './workbench.ts';

const HELPER = 'primitives/agent/helper';
const SHOP = 'primitives/uisurface/shop';
const uv =
  (...args: readonly string[]) =>
  (cwd: string) =>
    execFileSync(tool('uv'), [...args, '--quiet'], { cwd, env: environment });
const project = (name: string, dependency: string) =>
  `[project]\nname = "${name}"\nversion = "0.0.0"\nrequires-python = ">=3.11"\ndependencies = ["${dependency}"]\n\n[dependency-groups]\ndev = ["pytest==9.2.0"]\n`;
const passes = 'def test_a() -> None:\n    assert True\n';

/** What the report says of suites and of what it left out. */
function said({ document }: Awaited<ReturnType<typeof verifySuites>>) {
  return document.unchecked
    .filter(({ why }) => !/^--only|^needs /.test(why))
    .map(({ what, why }) => `${what}: ${why}`);
}

test('a requirement of pyproject.toml that uv.lock does not have stops the suites', async () => {
  const files = {
    '.gitignore': '.venv\n',
    [`${HELPER}/pyproject.toml`]: project('helper', 'iniconfig>=2'),
    [`${HELPER}/tests/test_a.py`]: passes,
  };
  const lock = async (root: string) => void uv('lock')(join(root, HELPER));
  const bumped = async (root: string) => {
    await lock(root);
    await writeFile(join(root, HELPER, 'pyproject.toml'), project('helper', 'iniconfig>=999'));
  };
  const wrong = await verifySuites('agent/helper', files, { install: { scripts: false }, prepare: bumped });
  expect(wrong.document.findings).toMatchObject([
    {
      rule: 'TEST-011',
      path: `${HELPER}/uv.lock`,
      message: expect.stringMatching(/uv\.lock does not match .*pyproject\.toml: .*iniconfig/),
      fix: { kind: 'command', text: `cd ${HELPER} && uv lock` },
    },
  ]);
  expect([wrong.document.suites, said(wrong)]).toEqual([
    [],
    [`agent/helper unit: ${HELPER}/uv.lock does not match its manifest`],
  ]);
  // An index that this machine alone is set to is not that of the lock file.
  const variables = { UV_DEFAULT_INDEX: 'https://mirror.example.invalid/simple' };
  const right = await verifySuites('agent/helper', files, { prepare: lock, variables });
  expect(found(right)).toEqual([`INT-003 ${HELPER}`]);
});

test('primitives in a workspace of uv are installed and tested from its one lock file', async () => {
  const OTHER = 'primitives/agent/other';
  const result = await verifySuites(
    'agent/helper',
    {
      '.gitignore': '.venv\n',
      'pyproject.toml': '[tool.uv.workspace]\nmembers = ["primitives/agent/*"]\n',
      'poetry.lock': '',
      [`${HELPER}/pyproject.toml`]: project('helper', 'iniconfig>=2'),
      [`${HELPER}/tests/test_a.py`]: passes,
      [`${OTHER}/primitive.yaml`]: 'kind: agent\nname: other\n',
      [`${OTHER}/pyproject.toml`]: project('other', 'pluggy>=1'),
      [`${OTHER}/tests/test_b.py`]: passes.replace('test_a', 'test_b'),
    },
    { install: { scripts: false }, prepare: async (root) => void uv('lock')(root) },
  );
  expect(found(result)).toEqual([]);
  expect(result.document.suites).toMatchObject([
    { primitive: 'agent/helper', passed: 1 },
    { primitive: 'agent/other', passed: 1 },
  ]);
  expect(said(result)).toEqual([
    'poetry.lock: agent/helper is tested with what uv.lock names',
    'poetry.lock: agent/other is tested with what uv.lock names',
  ]);
});

test('primitives in a workspace of npm are installed from its lock file, which has to know them', async () => {
  const manifest = {
    name: 'shop',
    version: '1.0.0',
    type: 'module',
    dependencies: { dep: 'file:../../../dep' },
  };
  const files = {
    '.gitignore': 'node_modules\n',
    'package.json': JSON.stringify({ private: true, workspaces: ['primitives/uisurface/*'] }),
    'dep/package.json': JSON.stringify({
      name: 'dep',
      version: '1.0.0',
      type: 'module',
      exports: './a.js',
      scripts: { install: 'touch ../ran' },
    }),
    'dep/a.js': 'export const a = 1;\n',
    [`${SHOP}/package.json`]: JSON.stringify(manifest),
    [`${SHOP}/test/a.test.ts`]: `import { test } from 'node:test';\nimport { a } from 'dep';\ntest('a', (t) => t.assert.equal(a, 1));\n`,
  };
  const npm = (root: string, ...args: readonly string[]) =>
    execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: root,
      env: environment,
    });
  const lock = async (root: string) => void npm(root, 'install', '--package-lock-only');
  const missing = await verifySuites('uisurface/shop', files, { prepare: lock });
  expect(missing.document.findings).toMatchObject([
    { rule: 'INT-003', fix: { text: 'npm ci --ignore-scripts --no-audit --no-fund' } },
  ]);
  let root = '';
  const prepare = async (folder: string) => {
    root = folder;
    await lock(folder);
  };
  const ran = () =>
    readFile(join(root, 'ran')).then(
      () => true,
      () => false,
    );
  let hasRun = false;
  const after = async () => {
    hasRun = await ran();
  };
  const installed = await verifySuites('uisurface/shop', files, {
    prepare,
    install: { scripts: false },
    after,
  });
  expect([found(installed), installed.document.suites, hasRun]).toMatchObject([[], [{ passed: 1 }], false]);
  const scripted = await verifySuites('uisurface/shop', files, {
    prepare,
    install: { scripts: true },
    after,
  });
  // The work tree changed while the suites ran: a script of a package did it.
  expect([found(scripted), hasRun]).toEqual([['TEST-008 ran'], true]);
  const changed = await verifySuites('uisurface/shop', files, {
    prepare: async (folder) => {
      await lock(folder);
      const more = { ...manifest, dependencies: { ...manifest.dependencies, zod: '^4.0.0' } };
      await writeFile(join(folder, SHOP, 'package.json'), JSON.stringify(more));
    },
  });
  expect(changed.document.findings).toMatchObject([
    {
      rule: 'TEST-011',
      path: 'package-lock.json',
      message: `package-lock.json does not match ${SHOP}/package.json: zod is ^4.0.0 in package.json and missing in the lock file.`,
    },
  ]);
});

test('a lock file of another package manager is named', async () => {
  const { document } = await verifySuites('uisurface/shop', {
    [`${SHOP}/package.json`]: '{}',
    'pnpm-lock.yaml': 'lockfileVersion: "9.0"\n',
    [`${SHOP}/test/a.test.ts`]: '',
  });
  expect(document).toMatchObject({
    verdict: 'incomplete',
    findings: [
      {
        rule: 'INT-002',
        message: `${SHOP} cannot be tested: its dependencies are those of pnpm-lock.yaml, and verify reads no lock file of pnpm.`,
      },
    ],
  });
});

test('an import that go.mod does not name stops the suites', async () => {
  const MESH = 'primitives/integration/mesh';
  const files = {
    [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n',
    [`${MESH}/a.go`]: 'package mesh\n\nimport _ "example.com/dep"\n',
    [`${MESH}/a_test.go`]: 'package mesh\n\nimport "testing"\n\nfunc TestA(t *testing.T) { t.Log() }\n',
  };
  const variables = { PATH: [dirname(tool('go')), environment.PATH].join(delimiter), CGO_ENABLED: '0' };
  const { document } = await verifySuites('integration/mesh', files, { variables });
  expect(document.findings).toMatchObject([
    { rule: 'TEST-011', path: `${MESH}/go.sum`, fix: { text: `cd ${MESH} && go mod tidy` } },
  ]);
  const right = {
    ...files,
    [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n',
    [`${MESH}/a.go`]: 'package mesh\n',
  };
  expect(found(await verifySuites('integration/mesh', right, { variables }))).toEqual([]);
});
