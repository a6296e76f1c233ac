import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tool } from '../../tools/locate.ts';
import { environment, type Files, verifySuites } from './workbench.ts';

/** Findings with their lines, and what the report says that it left out. */
async function ran(...args: Parameters<typeof verifySuites>) {
  const { document } = await verifySuites(...args);
  const { findings, unchecked, suites, verdict } = document;
  return {
    verdict,
    found: findings.map(({ rule, path, line }) => `${rule} ${path}${line === undefined ? '' : `:${line}`}`),
    unchecked: unchecked
      .filter(({ why }) => !/^--only|^needs /.test(why))
      .map(({ what, why }) => `${what}: ${why}`),
    passed: suites.map(({ passed }) => passed),
  };
}

describe('go', () => {
  const MESH = 'primitives/integration/mesh';
  const head = 'package mesh\n\nimport "testing"\n\n';
  const go = (files: Files) =>
    ran(
      'integration/mesh',
      {
        [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n',
        [`${MESH}/a_test.go`]: `${head}func TestA(t *testing.T) { t.Log("a") }\n`,
        ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${MESH}/${path}`, text])),
      },
      { variables: { PATH: [dirname(tool('go')), environment.PATH].join(delimiter), CGO_ENABLED: '0' } },
    );

  test('a build tag, a nested module and a folder that Go passes over hide no test', async () => {
    const { found } = await go({
      'tagged_test.go': `//go:build slow\n\n${head}func TestB(t *testing.T) { t.Fatal() }\n`,
      'nested/go.mod': 'module example.com/nested\n\ngo 1.24\n',
      'nested/n_test.go': `${head}func TestN(t *testing.T) { t.Fatal() }\n`,
      '_later/l_test.go': `${head}func TestL(t *testing.T) { t.Fatal() }\n`,
      'testdata/x_test.go': `${head}func TestX(t *testing.T) { t.Fatal() }\n`,
    });
    expect(found).toEqual([
      `TEST-009 ${MESH}/_later/l_test.go`,
      `TEST-009 ${MESH}/nested/n_test.go`,
      `TEST-009 ${MESH}/tagged_test.go`,
    ]);
  });

  test('a TestMain that prints PASS and runs nothing hides no case, and bodies without a statement are none', async () => {
    const main = `package b\n\nimport (\n\t"fmt"\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) { fmt.Println("PASS"); os.Exit(0) }\n\nfunc TestB(t *testing.T) { t.Fatal() }\n`;
    expect((await go({ 'b/b_test.go': main })).found).toEqual([`TEST-010 ${MESH}/b/b_test.go:11`]);
    const empty = `${head}func TestA(t *testing.T) {\n\t// To do.\n}\n`;
    expect(await go({ 'a_test.go': empty })).toMatchObject({
      found: [`TEST-001 ${MESH}`],
      unchecked: ['integration/mesh unit: has no statement: TestA'],
    });
    const skips = `${head}func TestB(t *testing.T) { t.Skip() }\n`;
    expect(await go({ 'b_test.go': skips })).toEqual({
      verdict: 'partial',
      found: [],
      unchecked: ['integration/mesh unit: skipped: TestB'],
      passed: [1],
    });
  });

  test('GOFLAGS of this machine do not choose among tests', async () => {
    const { found } = await ran(
      'integration/mesh',
      {
        [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n',
        [`${MESH}/a_test.go`]: `${head}func TestA(t *testing.T) { t.Log() }\n\nfunc TestB(t *testing.T) { t.Fatal() }\n`,
      },
      {
        variables: {
          PATH: [dirname(tool('go')), environment.PATH].join(delimiter),
          CGO_ENABLED: '0',
          GOFLAGS: '-run=TestA',
        },
      },
    );
    expect(found).toEqual([`TEST-002 ${MESH}/a_test.go:7`]);
  });
});

describe('pytest', () => {
  const HELPER = 'primitives/agent/helper';
  let venv: string;
  beforeAll(async () => {
    venv = await mkdtemp(join(tmpdir(), 'verify-pytest-'));
    execFileSync(tool('uv'), ['venv', '--quiet', '--allow-existing', venv]);
    execFileSync(tool('uv'), [
      'pip',
      'install',
      '--quiet',
      '--python',
      join(venv, 'bin/python'),
      'pytest==9.2.0',
    ]);
  });
  afterAll(() => rm(venv, { recursive: true, force: true }));

  const pytest = (files: Files) =>
    ran(
      'agent/helper',
      {
        '.gitignore': '.venv\n',
        [`${HELPER}/tests/test_a.py`]: 'def test_a():\n    assert True\n',
        ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${HELPER}/${path}`, text])),
      },
      {
        prepare: async (root) => {
          await mkdir(join(root, HELPER), { recursive: true });
          await symlink(venv, join(root, HELPER, '.venv'));
        },
      },
    );

  test('files outside of the folders of the suite, ignored ones and other names hide no test', async () => {
    const fails = 'def test_b():\n    assert False\n';
    const { found } = await pytest({
      'more/test_b.py': fails,
      'tests/test_ignored.py': fails,
      '.later/test_b.py': fails,
      'tests/check_b.py': fails,
      'tests/conftest.py': 'collect_ignore = ["test_ignored.py"]\n',
      'tests/support.py': 'def total():\n    return 1\n',
      'src/a.py': 'def test_connection():\n    return 1\n',
    });
    expect(found).toEqual([
      `TEST-009 ${HELPER}/.later/test_b.py`,
      `TEST-009 ${HELPER}/more/test_b.py`,
      `TEST-009 ${HELPER}/tests/check_b.py`,
      `TEST-009 ${HELPER}/tests/test_ignored.py`,
    ]);
  });

  test.each([
    ['-k', '[pytest]\naddopts = -k test_a\n'],
    ['--deselect', '[pytest]\naddopts = --deselect tests/test_b.py::test_b\n'],
    ['-m', '[pytest]\naddopts = -m "not slow"\nmarkers = slow\n'],
  ])('%s in the settings hides no case', async (_flag, ini) => {
    const { found } = await pytest({
      'pytest.ini': ini,
      'tests/test_b.py': 'import pytest\n\n\n@pytest.mark.slow\ndef test_b():\n    assert False\n',
    });
    expect(found).toEqual([`TEST-010 ${HELPER}/tests/test_b.py:4`]);
  });

  test.each([
    ['__test__', 'class TestB:\n    __test__ = False\n\n    def test_b(self):\n        assert False\n', 4],
    [
      'a constructor',
      'class TestB:\n    def __init__(self):\n        pass\n\n    def test_b(self):\n        assert 0\n',
      5,
    ],
    ['a name that is gone', 'def test_b():\n    assert False\n\n\ndel test_b\n', 1],
    ['a name that is something else', 'def test_b():\n    assert False\n\n\ntest_b = None\n', 1],
  ])('%s hides no case from being collected', async (_, text, line) => {
    const more = '\n\ndef test_c():\n    assert True\n';
    expect((await pytest({ 'tests/test_b.py': `${text}${more}` })).found).toEqual([
      `TEST-010 ${HELPER}/tests/test_b.py:${line}`,
    ]);
  });

  test('settings that name tests otherwise hide none, and methods of other classes are none', async () => {
    const files = {
      'pytest.ini': '[pytest]\npython_functions = check_*\n',
      'tests/test_b.py': 'def test_b():\n    assert False\n\n\ndef check_b():\n    assert True\n',
      'tests/test_a.py':
        'class Shared:\n    def test_b(self):\n        assert False\n\n\ndef check_a():\n    assert True\n',
    };
    expect((await pytest(files)).found).toEqual([`TEST-010 ${HELPER}/tests/test_b.py:1`]);
  });

  test('a module that skips itself says so, and so do cases that are expected to fail', async () => {
    const skips = 'import pytest\n\npytest.importorskip("nowhere")\n\n\ndef test_b():\n    assert False\n';
    const fails = 'import pytest\n\n\n@pytest.mark.xfail\ndef test_c():\n    assert False\n';
    const { found, unchecked, verdict } = await pytest({
      'tests/test_b.py': skips,
      'tests/test_c.py': fails,
    });
    expect([verdict, found, unchecked]).toEqual([
      'partial',
      [],
      ['agent/helper unit: skipped: tests.test_b, test_c'],
    ]);
  });

  test('an exit with 0 in a case hides none of the others, nor a conftest that removes them', async () => {
    const exits =
      'import pytest\n\n\ndef test_b():\n    pytest.exit("x", 0)\n\n\ndef test_c():\n    assert False\n';
    expect((await pytest({ 'tests/test_b.py': exits })).found).toEqual([
      `TEST-010 ${HELPER}/tests/test_b.py:4`,
      `TEST-010 ${HELPER}/tests/test_b.py:8`,
    ]);
    const removes = 'def pytest_collection_modifyitems(items):\n    del items[1:]\n';
    expect(
      (await pytest({ 'tests/conftest.py': removes, 'tests/test_b.py': 'def test_b():\n    assert False\n' }))
        .found,
    ).toEqual([`TEST-010 ${HELPER}/tests/test_b.py:1`]);
  });

  test('bodies without a statement are no cases, also of parameters', async () => {
    const empty = `import pytest


@pytest.mark.parametrize("n", [1, 2])
def test_b(n):
    """It is to be done."""


class TestMore:
    def test_c(self): ...
`;
    expect(await pytest({ 'tests/test_b.py': empty })).toEqual({
      verdict: 'partial',
      found: [],
      unchecked: ['agent/helper unit: has no statement: test_b[1], test_b[2], test_c'],
      passed: [1],
    });
  });
});

describe('node --test', () => {
  const SHOP = 'primitives/uisurface/shop';
  const head = `import { describe, it, test } from 'node:test';\n`;
  const node = (files: Files) =>
    ran('uisurface/shop', {
      [`${SHOP}/package-lock.json`]: '{}',
      [`${SHOP}/node_modules/.package-lock.json`]: '{}',
      [`${SHOP}/test/a.test.ts`]: `${head}test('a', (t) => t.assert.ok(true));\n`,
      ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${SHOP}/${path}`, text])),
    });

  test('files that the pattern of the suite does not match hide no test', async () => {
    const fails = `${head}test('b', (t) => t.assert.ok(false));\n`;
    const { found, unchecked } = await node({
      'test/pages/new.test.ts': fails,
      'src/new.spec.ts': fails,
      'test/other.ts': fails,
      'test/support/page.ts': `import { mock } from 'node:test';\nexport const page = mock.fn();\n`,
      'test/browser/b.test.ts': fails,
    });
    expect(found).toEqual([
      `TEST-009 ${SHOP}/src/new.spec.ts`,
      `TEST-009 ${SHOP}/test/other.ts`,
      `TEST-009 ${SHOP}/test/pages/new.test.ts`,
    ]);
    expect(unchecked).toEqual([]);
  });

  test('an empty describe is no case beside one that is, and neither is a body without a statement', async () => {
    const empty = `${head}
describe('rows', () => { for (const row of []) it(row, () => {}); });
describe('outer', () => { describe('inner', () => {}); it('b', (t) => t.assert.ok(true)); });
test('nothing', () => {});
test('nothing, later', async () => {});
`;
    expect(await node({ 'test/b.test.ts': empty })).toEqual({
      verdict: 'partial',
      found: [],
      unchecked: ['uisurface/shop unit: has no statement: nothing, nothing, later'],
      passed: [2],
    });
  });
});
