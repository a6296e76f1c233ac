import { expect, test } from 'vitest';
import type { Family } from '../../../../src/features/verify/family.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { verifyOutcome } from '../../../../src/features/verify/view.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { verifyDocument } from '../../../support/verify-corpus/run.ts';
import type { Files } from '../../../support/verify-corpus/tree.ts';

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
