import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tool } from '../../tools/locate.ts';
import { environment, type Files, verifySuites } from './workbench.ts';

/** Findings with their places, and what was left out. */
async function checked(...args: Parameters<typeof verifySuites>) {
  const [id, files, options] = args;
  const { document } = await verifySuites(id, files, { suites: () => true, ...options });
  const { findings, unchecked, suites, verdict } = document;
  return {
    verdict,
    found: findings.map(({ rule, path, line, column, message }) =>
      [rule, [path, line, column].filter((one) => one !== undefined).join(':'), message].join(' '),
    ),
    unchecked: unchecked
      .filter(({ why }) => !/^--only|^needs /.test(why))
      .map(({ what, why }) => `${what}: ${why}`),
    suites: suites.map(({ suite, passed, failed }) => `${suite} ${passed} ${failed}`),
  };
}

describe('tsc', () => {
  const SHOP = 'primitives/uisurface/shop';
  const passing = `import { test } from 'node:test';\ntest('a', (t) => t.assert.ok(true));\n`;
  const config = (text: object) => JSON.stringify(text);
  const options = { module: 'nodenext', noEmit: true, types: [], allowImportingTsExtensions: true };
  const modules = join(import.meta.dirname, '../../../node_modules');
  const shop = (
    files: Files,
    prepare = async (root: string) => symlink(modules, join(root, SHOP, 'node_modules')),
  ) =>
    checked(
      'uisurface/shop',
      {
        [`${SHOP}/package.json`]: '{"type":"module"}',
        [`${SHOP}/package-lock.json`]: '{}',
        [`${SHOP}/tsconfig.json`]: config({ compilerOptions: options, include: ['src'] }),
        [`${SHOP}/test/a.test.ts`]: passing,
        ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${SHOP}/${path}`, text])),
      },
      { prepare },
    );

  test('type errors fail, though the tests pass, and what no project has is said', async () => {
    expect(
      await shop({
        'src/home.ts': 'export const total: string = 1;\nmissing();\n',
        'src/ok.ts': 'export {};\n',
      }),
    ).toEqual({
      verdict: 'failed',
      found: [
        `TEST-004 ${SHOP}/src/home.ts:1:14 check: Type 'number' is not assignable to type 'string' (TS2322).`,
        `TEST-004 ${SHOP}/src/home.ts:2:1 check: Cannot find name 'missing' (TS2304).`,
      ],
      unchecked: [`${SHOP}/test/a.test.ts: uisurface/shop check: no project of tsconfig.json has it`],
      suites: ['check 1 2', 'unit 1 0'],
    });
  });

  test('projects that a solution refers to are compiled', async () => {
    const found = await shop({
      'tsconfig.json':
        '{ "files": [], /* as Vite has it */ "references": [{ "path": "./tsconfig.app.json" }] }',
      'tsconfig.app.json': config({ compilerOptions: options, include: ['src', 'test'] }),
      'src/home.ts': 'export const total: string = 1;\n',
    });
    expect(found.found).toEqual([
      `TEST-004 ${SHOP}/src/home.ts:1:14 check: Type 'number' is not assignable to type 'string' (TS2322).`,
      expect.stringContaining(`TEST-004 ${SHOP}/test/a.test.ts:1:22 check: `),
      expect.stringContaining(`TEST-004 ${SHOP}/test/a.test.ts:2:12 check: `),
    ]);
  });

  test('without the compiler it is incomplete, and without TypeScript there is nothing to check', async () => {
    const without = await shop({ 'node_modules/.package-lock.json': '{}' }, async () => {});
    expect(without.found).toEqual([
      `INT-002 ${SHOP} ${SHOP} cannot be tested: typescript is not among its dependencies.`,
    ]);
    const empty = await checked('uisurface/shop', {
      [`${SHOP}/package-lock.json`]: '{}',
      [`${SHOP}/node_modules/.package-lock.json`]: '{}',
      [`${SHOP}/src/a.js`]: '',
    });
    expect(empty.unchecked).toContain('uisurface/shop check: it has no TypeScript');
  });
});

describe('basedpyright and ruff', () => {
  const HELPER = 'primitives/agent/helper';
  const project = `[project]
name = "helper"
version = "0.0.0"
requires-python = ">=3.11"

[dependency-groups]
dev = ["basedpyright==1.40.2", "pytest==9.2.0", "ruff==0.17.6"]

[tool.pyright]
typeCheckingMode = "strict"

[tool.ruff]
extend-exclude = ["legacy"]
`;

  test('what they find fails, though the tests pass', async () => {
    const prepare = async (root: string) => {
      execFileSync(tool('uv'), ['lock', '--quiet'], {
        cwd: join(root, HELPER),
        env: { ...environment, UV_OFFLINE: '0' },
      });
    };
    const { found, suites, unchecked } = await checked(
      'agent/helper',
      {
        '.gitignore': '.venv\n',
        [`${HELPER}/pyproject.toml`]: project,
        [`${HELPER}/src/a.py`]: 'import os\n\ntotal: int = "1"\n',
        [`${HELPER}/legacy/b.py`]: 'import os\n\nprint(os.name)\n',
        [`${HELPER}/tests/test_a.py`]: 'def test_a() -> None:\n    assert True\n',
      },
      { install: { scripts: false }, prepare },
    );
    expect(found).toEqual([
      `TEST-004 ${HELPER}/src/a.py:1:8 check: Import "os" is not accessed (reportUnusedImport).`,
      `TEST-004 ${HELPER}/src/a.py:1:8 lint: \`os\` imported but unused (F401).`,
      `TEST-004 ${HELPER}/src/a.py:3:14 check: Type "Literal['1']" is not assignable to declared type "int" (reportAssignmentType).`,
    ]);
    expect(suites).toEqual(['check 2 2', 'lint 1 1', 'unit 1 0']);
    expect(unchecked).toEqual([
      `${HELPER}/legacy/b.py: agent/helper lint: the settings of ruff leave it out`,
    ]);
  });
});

describe('go vet', () => {
  const ORDERS = 'primitives/domain/orders';
  test('code and tests behind every tag of the kind are compiled, and files of other systems are said', async () => {
    const { found, unchecked } = await checked(
      'domain/orders',
      {
        [`${ORDERS}/go.mod`]: 'module example.com/orders\n\ngo 1.24\n',
        [`${ORDERS}/a.go`]: 'package orders\n\nimport "fmt"\n\nfunc A() { fmt.Printf("%d", "x") }\n',
        [`${ORDERS}/a_windows.go`]: 'package orders\n',
        [`${ORDERS}/a_test.go`]:
          'package orders\n\nimport "testing"\n\nfunc TestA(t *testing.T) { t.Log() }\n',
        [`${ORDERS}/store/b.go`]: 'package store\n',
        [`${ORDERS}/store/b_test.go`]:
          '//go:build integration\n\npackage store\n\nimport "testing"\n\nfunc TestB(t *testing.T) { missing() }\n',
      },
      {
        suites: ({ id }) => id === 'check',
        variables: { PATH: [dirname(tool('go')), environment.PATH].join(delimiter), CGO_ENABLED: '0' },
      },
    );
    expect(found).toEqual([
      `TEST-004 ${ORDERS}/a.go:5:24 check: fmt.Printf format %d has arg "x" of wrong type string (printf).`,
      `TEST-004 ${ORDERS}/store/b_test.go:7:28 check: undefined: missing (compile).`,
    ]);
    expect(unchecked).toEqual([
      `${ORDERS}/a_windows.go: domain/orders check: it is not built here by go vet -tags=integration ./...`,
    ]);
  });
});
