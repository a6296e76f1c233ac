import { posix } from 'node:path';
import { expect, test } from 'vitest';
import type { Family } from '../../../../src/features/verify/family.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { findTools } from '../../../../src/features/verify/tools.ts';
import { verifyOutcome } from '../../../../src/features/verify/view.ts';
import { bundledKinds, openKinds } from '../../../../src/kinds/kind.ts';
import { toolkitOf } from '../../../../src/languages/all.ts';
import { lockFileOf } from '../../../../src/languages/package-manager.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { parseConfig } from '../../../../src/repository/config.ts';
import { verifyDocument } from '../../../support/verify-corpus/run.ts';
import type { Files } from '../../../support/verify-corpus/tree.ts';
import { memoryTree } from '../../../support/verify-corpus/tree.ts';

const ORDERS = 'primitives/domain/orders';
const base: Files = {
  'primitive.config.yaml': 'registry: ghcr.io/acme\n',
  [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
  [`${ORDERS}/go.mod`]: 'module example.com/orders\n',
};

/** What the report of a family says that it left out, besides the other families. */
async function uncheckedOf(files: Files, family: Family, suite?: Parameters<typeof verifyDocument>[3]) {
  const { unchecked, findings } = await verifyDocument({ ...base, ...files }, family, rules, suite);
  expect(findings).toEqual([]);
  return unchecked.filter(({ why }) => !why.startsWith('--')).map(({ what, why }) => `${what}: ${why}`);
}

const suppressions = (rule: string, path: string) => ({
  'primitive.suppressions.yaml': `schema: primitive.suppressions/v1
suppressions: [{ rule: ${rule}, path: ${path}, reason: It is a sample., owner: team }]
`,
});

test('a suppressed finding that kept other checks from running leaves them unchecked', async () => {
  const broken = `${ORDERS}/broken.go`;
  const files = { [broken]: 'package broken\nimport fmt\n', ...suppressions('IMP-007', broken) };
  expect(await uncheckedOf(files, 'IMP')).toEqual([`${broken}: IMP-007 is suppressed`]);
  const skipped = { primitive: 'domain/orders', recorded: { exitCode: 0, stdout: '' } };
  expect(await uncheckedOf(suppressions('TEST-001', ORDERS), 'TEST', { suite: skipped })).toContain(
    `${ORDERS}: TEST-001 is suppressed`,
  );
  const service = `${ORDERS}/internal/service.go`;
  const other = {
    [service]: 'package service\nimport "database/sql"\n',
    ...suppressions('IMP-005', service),
  };
  expect(await uncheckedOf(other, 'IMP')).toEqual([]);
});

test('a path of the repository cannot move the cursor', async () => {
  const files: Files = { ...base, [`${ORDERS}/\u001b[2J.go`]: { link: '../gone.go' } };
  const document = await verifyDocument(files, 'SEC', rules);
  const text = verifyOutcome({ document, runs: [], account: new Map() }, rules, '1.0.0').text(
    createStyle(false),
  );
  expect(text).toContain(`${ORDERS}/\\u001b[2J.go`);
  expect(text).not.toContain('\u001b');
});

test('code that is linked into a primitive is not checked as a part of it', async () => {
  const files: Files = {
    'libs/clock.go': 'package clock\n',
    'libs/go/a.go': 'package a\n',
    LICENSE: '',
    [`${ORDERS}/clock.go`]: { link: '../../../libs/clock.go' },
    [`${ORDERS}/internal/a`]: { link: '../../../../libs/go' },
    [`${ORDERS}/absolute`]: { link: '/usr/include' },
    [`${ORDERS}/node_modules`]: { link: '/cache/node_modules' },
    [`${ORDERS}/LICENSE`]: { link: '../../../LICENSE' },
    [`${ORDERS}/mine.go`]: { link: './main.go' },
    [`${ORDERS}/main.go`]: 'package main\n',
  };
  expect(await uncheckedOf(files, 'SEC')).toEqual([
    `${ORDERS}/absolute: a link to ../usr/include`,
    `${ORDERS}/clock.go: a link to libs/clock.go`,
    `${ORDERS}/internal/a: a link to libs/go`,
  ]);
});

test('an import that is only known at run time is a warning, or leaves the run partial where the config says so', async () => {
  const path = 'primitives/agent/helper/a.py';
  const files = (config: string): Files => ({
    'primitive.config.yaml': `registry: ghcr.io/acme\n${config}`,
    'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
    [path]: 'import importlib\nimportlib.import_module(name)\n',
  });
  const of = async (config: string, more: Files = {}) => {
    const { findings, unchecked } = await verifyDocument({ ...files(config), ...more }, 'IMP', rules);
    return [findings.map(({ rule }) => rule), unchecked.filter(({ why }) => why.startsWith('it is only'))];
  };
  const said = [{ what: `the import in ${path}:2`, why: 'it is only known at run time' }];
  expect(await of('')).toEqual([['IMP-006'], []]);
  expect(await of('verify: { runtimeImports: warning }\n')).toEqual([['IMP-006'], []]);
  expect(await of('verify: { runtimeImports: partial }\n')).toEqual([['IMP-006'], said]);
  // A suppression makes nobody certain.
  expect(await of('verify: { runtimeImports: partial }\n', suppressions('IMP-006', path))).toEqual([
    [],
    said,
  ]);
});

test('code of a person beside what is generated is not said to be an SDK', async () => {
  const own = `${ORDERS}/main.go`;
  const files = (more: Files): Files => ({
    ...base,
    [`${ORDERS}/go.mod`]:
      'module example.com/orders\n\nrequire example.com/proto v0.0.0\nreplace example.com/proto => ../../../packages/proto\n',
    [own]: 'package main\n\nimport _ "example.com/proto/gen/orders"\n',
    'packages/proto/go.mod': 'module example.com/proto\n',
    'packages/proto/buf.yaml': 'version: v2\n',
    'packages/proto/gen/orders/orders.pb.go': 'package orders\n',
    ...more,
  });
  const advice = async (more: Files) => {
    const { findings } = await verifyDocument(files(more), 'IMP', rules);
    return findings.filter(({ path }) => path === own).map(({ rule, fix }) => `${rule} ${fix?.text}`);
  };
  const sdk =
    'IMP-002 Import the SDK that is made from them; name it in `imports.sdk.go` if it is not there.';
  expect(await advice({})).toEqual([sdk]);
  expect(await advice({ 'packages/proto/gen/orders/orders_test.go': 'package orders\n' })).toEqual([sdk]);
  expect(await advice({ 'packages/proto/gen/orders/helper.go': 'package orders\n' })).toEqual([
    'IMP-002 Import the SDK that is made from the proto files; move what a person wrote in that package into the primitive.',
  ]);
});

const SHOP = 'primitives/uisurface/shop';
const HELPER = 'primitives/agent/helper';
const OTHER_LOCKS = [
  ['pnpm', SHOP, 'pnpm-lock.yaml'],
  ['pnpm', '.', 'pnpm-lock.yaml'],
  ['Yarn', SHOP, 'yarn.lock'],
  ['Yarn', '.', 'yarn.lock'],
  ['Bun', SHOP, 'bun.lock'],
  ['Bun', '.', 'bun.lockb'],
  ['Deno', SHOP, 'deno.lock'],
  ['npm shrinkwrap', SHOP, 'npm-shrinkwrap.json'],
  ['Poetry', HELPER, 'poetry.lock'],
  ['PDM', HELPER, 'pdm.lock'],
  ['Pipenv', HELPER, 'Pipfile.lock'],
  ['PEP 751', HELPER, 'pylock.toml'],
] as const;
const projects: Files = {
  [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
  [`${SHOP}/package.json`]: '{ "name": "@acme/shop", "type": "module" }',
  [`${SHOP}/test/a.test.ts`]: "import { test } from 'node:test';\ntest('a', (t) => t.assert.ok(true));\n",
  [`${HELPER}/primitive.yaml`]: 'kind: agent\nname: helper\n',
  [`${HELPER}/pyproject.toml`]: '[project]\nname = "helper"\nversion = "1"\n',
  [`${HELPER}/tests/test_a.py`]: 'def test_a() -> None:\n    assert True\n',
};

test.each(OTHER_LOCKS)(
  'suites of a project of %s in %s are not run, which verify and doctor say',
  async (name, folder, lock) => {
    const files: Files = { ...base, ...projects, [posix.join(folder, lock)]: '' };
    const path = folder === '.' ? SHOP : folder;
    const suite = { primitive: path.slice('primitives/'.length), recorded: { exitCode: 0, stdout: '' } };
    const why = `its dependencies are those of ${posix.join(folder, lock)}, and verify reads no lock file of ${name}`;
    const { verdict, findings, suites } = await verifyDocument(files, 'TEST', rules, { suite });
    expect({ verdict, suites, findings }).toMatchObject({
      verdict: 'incomplete',
      suites: [],
      findings: [{ rule: 'INT-002', path, message: `${path} cannot be tested: ${why}.` }],
    });
    const { problems } = await findTools(toolPorts(files));
    expect(problems).toContainEqual(expect.objectContaining({ code: 'lock-unread', why }));
    expect(problems.map(({ message }) => message)).toContain(`verify cannot run the suites of ${path}`);
  },
);

test('a lock file that verify reads beside one that it does not is not all there is', async () => {
  const files: Files = {
    ...base,
    ...projects,
    [`${HELPER}/uv.lock`]: 'version = 1\n',
    [`${HELPER}/poetry.lock`]: '',
  };
  const tree = memoryTree(files);
  const lock = await lockFileOf({ path: HELPER }, await toolkitOf('python'), tree);
  expect([lock.path, lock.unread]).toEqual([`${HELPER}/uv.lock`, [`${HELPER}/poetry.lock`]]);
});

/** Of a repository on a machine without any program. */
function toolPorts(files: Files): Parameters<typeof findTools>[0] {
  const root = '/repository';
  return {
    workspace: async () => ({
      location: { path: `${root}/primitive.config.yaml`, root, repositoryRoot: root, found: 'given' },
      config: await parseConfig(
        { text: String(files['primitive.config.yaml']), shown: 'config', root },
        '1.0.0',
      ),
    }),
    kinds: () => openKinds({ bundled: bundledKinds() }),
    workTree: async () => memoryTree(files),
    platform: 'linux',
    signal: new AbortController().signal,
    variables: { PATH: '/nowhere' },
    programs: { skipped: [] },
    repositoryProcesses: async () => ({
      run: async () => {
        throw new Error('a program was started');
      },
    }),
    checkGenerator: async () => {},
  };
}
