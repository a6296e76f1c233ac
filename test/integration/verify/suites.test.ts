import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { describe, expect, test, vi } from 'vitest';
import { rules } from '../../../src/features/verify/rules/all.ts';
import type { VerifyResult } from '../../../src/features/verify/run.ts';
import { verifyOutcome } from '../../../src/features/verify/view.ts';
import { createStyle } from '../../../src/render/style.ts';
import { tool } from '../../tools/locate.ts';
import { environment, type Files, found, type Options, verifySuites } from './workbench.ts';

const SHOP = 'primitives/uisurface/shop';

/** What verify says of a primitive with one test file, whose suite `node --test` runs. */
function run(text: string, options: Options = {}): Promise<VerifyResult> {
  const installed = {
    [`${SHOP}/package-lock.json`]: '{}',
    [`${SHOP}/node_modules/.package-lock.json`]: '{}',
    [`${SHOP}/test/a.test.ts`]: text,
  };
  return verifySuites('uisurface/shop', installed, options);
}

/** The schema of OASIS, as Microsoft publishes it. */
const sarifSchema = createRequire(import.meta.url)(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
);

test('a suite that passes is evidence, and one that hangs is ended with what it has started', async () => {
  const passes = `import { test } from 'node:test'; test('a', (t) => t.assert.ok(true));`;
  const { document } = await run(passes);
  // In another folder, at another time: the same but for what differs from run to run.
  expect((await run(passes)).document).toEqual({ ...document, run: expect.anything() });
  expect(document).toMatchObject({ suites: [{ suite: 'unit', passed: 1, failed: 0, skipped: 0 }] });
  expect(document.run.evidence).toMatchObject([{ suite: 'unit', digest: expect.stringMatching(/^sha256:/) }]);
  const hangs = `import { spawn } from 'node:child_process';
import { test } from 'node:test';
spawn('sleep', ['600'], { stdio: 'inherit' });
test('a', () => new Promise((done) => setTimeout(done, 600_000)));`;
  expect(found(await run(hangs, { limit: 3_000 }))).toEqual([`TEST-007 ${SHOP}`]);
});

test('with suites on, each file of git has one entry, and the totals are their sum', async () => {
  let listed: readonly string[] = [];
  const own = {
    [`${SHOP}/package-lock.json`]: '{}',
    [`${SHOP}/node_modules/.package-lock.json`]: '{}',
    [`${SHOP}/test/a.test.ts`]:
      "import { test } from 'node:test';\nimport './support/page.ts';\ntest('a', (t) => t.assert.ok(true));",
    [`${SHOP}/test/support/page.ts`]: 'export const page = 1;\n',
    [`${SHOP}/test/data/page.json`]: '{}\n',
    [`${SHOP}/src/main.ts`]: 'export const main = 1;\n',
  };
  const { document, account } = await verifySuites('uisurface/shop', own, {
    prepare: async (root) => {
      execFileSync('git', ['init', '--quiet'], { cwd: root });
      const args = ['ls-files', '-z', '--others', '--exclude-standard'];
      listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
    },
  });
  expect([...account.keys()].sort()).toEqual([...listed].sort());
  expect(listed).toContain(`${SHOP}/test/support/page.ts`);
  const { files, checked, leftOut, notOurs } = document.account;
  const sum = [...checked, ...leftOut, ...notOurs].reduce((total, one) => total + one.files, 0);
  expect([files, sum]).toEqual([listed.length, listed.length]);
  const entries = ['test/a.test.ts', 'test/support/page.ts', 'test/data/page.json', 'src/main.ts'];
  expect(entries.map((path) => account.get(`${SHOP}/${path}`))).toEqual([
    { checked: ['TEST'] },
    { checked: ['TEST'] },
    { leftOut: '--only' },
    { leftOut: '--only' },
  ]);
  expect(document.verdict).toBe('partial');
});

test('a suite that floods its output, ends its runner or writes to the work tree is told apart', async () => {
  const floods = `import { test } from 'node:test';
test('a', () => { for (let i = 0; i < 2000; i++) process.stdout.write('x'.repeat(100_000) + '\\n'); });`;
  expect(found(await run(floods))).toEqual([]);
  const kills = `import { test } from 'node:test'; test('a', () => { process.kill(process.ppid, 'SIGKILL'); });`;
  expect(found(await run(kills))).toEqual([`TEST-006 ${SHOP}`]);
  const exits = `import { test } from 'node:test'; test('a', (t) => t.assert.ok(true)); process.exit(0);`;
  expect(found(await run(exits))).toEqual([`TEST-005 ${SHOP}/test/a.test.ts`]);
  const writes = `import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
test('a', () => writeFileSync('left.txt', ''));`;
  expect(found(await run(writes))).toEqual([`TEST-008 ${SHOP}/left.txt`]);
});

test('a describe without cases is no case, and a node of the repository on PATH is not run', async () => {
  const empty = `import { describe, test } from 'node:test';
describe('every row', () => { for (const row of []) test(row, () => {}); });`;
  expect(found(await run(empty))).toEqual([`TEST-001 ${SHOP}`]);
  const fake = `#!/bin/sh
for arg; do case $arg in --test-reporter-destination=*) echo '<testsuites><testcase name="a"/></testsuites>' > "\${arg#*=}";; esac; done
`;
  const result = await run(`import { test } from 'node:test'; test('a', () => { throw new Error('no'); });`, {
    variables: { PATH: ['bin', environment.PATH].join(delimiter) },
    prepare: async (root) => {
      await mkdir(join(root, SHOP, 'bin'));
      await writeFile(join(root, SHOP, 'bin/node'), fake, { mode: 0o755 });
    },
  });
  expect(found(result)).toEqual([`TEST-002 ${SHOP}/test/a.test.ts`]);
});

test('a hostile name of a test harms no output', async () => {
  const name = '</testcase>&\\u001b[31m"\\n::error file=x::y ##[error]z | `a` <script>';
  const result = await run(`import assert from 'node:assert/strict';
import { test } from 'node:test';
test('${name}', () => assert.equal(1, 2));`);
  expect(found(result)).toEqual([`TEST-002 ${SHOP}/test/a.test.ts`]);
  const outcome = verifyOutcome(result, rules, '1.0.0');
  const { junit, sarif, markdown } = outcome.reports ?? {};
  expect(junit?.()).toContain('&lt;/testcase&gt;&amp;\ufffd[31m');
  const log = JSON.parse(sarif?.() ?? '');
  expect(log.runs[0].results).toHaveLength(1);
  expect(Check(sarifSchema, log)).toBe(true);
  expect(Check(sarifSchema, { ...log, version: '2.0.0' })).toBe(false);
  const row =
    markdown?.()
      .split('\n')
      .find((line) => line.includes('TEST-002')) ?? '';
  expect(row).toContain('\\| \\`a\\` \\<script\\>');
  const text = outcome.text(createStyle(false));
  expect(text).not.toMatch(/^::/m);
  expect(text).not.toContain('\u001b');
});

describe('vitest', () => {
  const WEB = 'primitives/vitest/web';
  const modules = join(import.meta.dirname, '../../../node_modules');
  /** Runs the vitest of this project. */
  const withVitest = (tests: Files) =>
    verifySuites(
      'vitest/web',
      {
        [`${WEB}/package.json`]: '{"type":"module"}',
        [`${WEB}/package-lock.json`]: '{}',
        ...Object.fromEntries(
          Object.entries(tests).map(([name, text]) => [`${WEB}/test/${name}.test.ts`, text]),
        ),
      },
      { prepare: (root) => symlink(modules, join(root, WEB, 'node_modules')) },
    );
  const head = `import { expect, test } from 'vitest';`;

  test('outcomes are told apart, each with its file', async () => {
    const result = await withVitest({
      passes: `${head} test('a', () => expect(1).toBe(1)); test.skip('b', () => {});`,
      fails: `${head} test('a', () => expect(1).toBe(2));`,
      stub: `${head} test('a', () => expect('AMEIDE_SCAFFOLD: Total').toBe('3'));`,
      slow: `${head} test('a', () => new Promise(() => {}), 50);`,
      imports: `${head} import { a } from './missing.ts'; test('a', () => a);`,
      syntax: `${head} test('a' () => {});`,
      empty: '',
    });
    expect(found(result)).toEqual([
      `TEST-005 ${WEB}/test/empty.test.ts`,
      `TEST-002 ${WEB}/test/fails.test.ts`,
      `TEST-005 ${WEB}/test/imports.test.ts`,
      `TEST-007 ${WEB}/test/slow.test.ts`,
      `TEST-003 ${WEB}/test/stub.test.ts`,
      `TEST-005 ${WEB}/test/syntax.test.ts`,
    ]);
    expect(result.document.suites).toMatchObject([{ passed: 1, failed: 6, skipped: 1 }]);
  });

  test('an error outside of cases fails, and so do skipped cases alone and no file', async () => {
    const later = `${head} test('a', () => new Promise((done) => setTimeout(() => { queueMicrotask(done); throw new Error('later'); })));`;
    vi.stubEnv('FORCE_COLOR', '1');
    const failed = await withVitest({ later }).finally(() => vi.unstubAllEnvs());
    expect(found(failed)).toEqual([`TEST-006 ${WEB}`]);
    expect(failed.runs[0]?.cases.find(({ outcome }) => outcome === 'panic')?.output).toContain(
      'Error: later',
    );
    expect(found(await withVitest({ skipped: `${head} test.skip('a', () => {});` }))).toEqual([
      `TEST-001 ${WEB}`,
    ]);
    expect(found(await withVitest({}))).toEqual([`TEST-006 ${WEB}`]);
  });
});

test('what the lock file names is installed on request, and nothing else', async () => {
  const files = {
    [`${SHOP}/package.json`]: '{"type":"module","dependencies":{"dep":"file:dep.tgz"}}',
    [`${SHOP}/package-lock.json`]: JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: { dep: 'file:dep.tgz' } },
        'node_modules/dep': { version: '1.0.0', resolved: 'file:dep.tgz' },
      },
    }),
    [`${SHOP}/package/package.json`]: '{"name":"dep","version":"1.0.0","exports":"./dep.js","type":"module"}',
    [`${SHOP}/package/dep.js`]: 'export const dep = 1;',
    [`${SHOP}/test/a.test.ts`]: `import { test } from 'node:test'; import { dep } from 'dep'; test(String(dep), () => {});`,
  };
  const prepare = async (root: string) => {
    const cwd = join(root, SHOP);
    execFileSync('tar', ['-czf', 'dep.tgz', 'package'], { cwd });
    await rm(join(cwd, 'package'), { recursive: true });
  };
  const without = await verifySuites('uisurface/shop', files, { prepare });
  expect(without.document.findings).toMatchObject([
    {
      rule: 'INT-003',
      fix: { kind: 'command', text: `cd ${SHOP} && npm ci --ignore-scripts --no-audit --no-fund` },
    },
  ]);
  const installed = await verifySuites('uisurface/shop', files, { prepare, install: { scripts: false } });
  expect([found(installed), installed.document.suites]).toMatchObject([[], [{ passed: 1, failed: 0 }]]);
  const lacking = {
    ...files,
    [`${SHOP}/package-lock.json`]:
      '{"lockfileVersion":3,"packages":{"":{"dependencies":{"dep":"file:dep.tgz"}}}}',
  };
  const refused = await verifySuites('uisurface/shop', lacking, { prepare, install: { scripts: false } });
  expect(found(refused)).toEqual([`INT-002 ${SHOP}`]);
});

test('the environment of a uv project is compared with its lock file, and installed from it', async () => {
  const folder = 'primitives/agent/helper';
  const project = '[project]\nname = "helper"\nversion = "0.0.0"\nrequires-python = ">=3.11"\n';
  const lock =
    'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "helper"\nversion = "0.0.0"\nsource = { virtual = "." }\n';
  const files = {
    '.gitignore': '.venv\n',
    [`${folder}/pyproject.toml`]: project,
    [`${folder}/uv.lock`]: lock,
    // Takes the place of an installed pytest: what runs it is tested elsewhere.
    [`${folder}/pytest.py`]:
      'import sys\npath = next(a for a in sys.argv if a.startswith("--junit-xml="))[12:]\nopen(path, "w").write(\'<testsuites><testsuite name="pytest"><testcase classname="a" name="test_a"/></testsuite></testsuites>\')\n',
  };
  const missing = await verifySuites('agent/helper', files);
  expect(missing.document.findings).toMatchObject([
    { rule: 'INT-003', path: folder, fix: { text: `cd ${folder} && uv sync --frozen` } },
  ]);
  expect(found(await verifySuites('agent/helper', files, { install: { scripts: false } }))).toEqual([]);

  const outdated = await verifySuites(
    'agent/helper',
    { ...files, [`${folder}/a/pyproject.toml`]: project.replace('helper', 'a') },
    {
      prepare: async (root) => {
        const cwd = join(root, folder);
        execFileSync(tool('uv'), ['sync', '--quiet', '--frozen'], { cwd });
        const more = `${project}dependencies = ["a"]\n\n[tool.uv.sources]\na = { path = "a", package = true }\n`;
        await writeFile(join(cwd, 'pyproject.toml'), more);
        execFileSync(tool('uv'), ['lock', '--quiet', '--offline'], { cwd });
      },
    },
  );
  expect(found(outdated)).toEqual([`INT-003 ${folder}`]);
});

test('the modules that go.sum names are downloaded on request', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'verify-go-'));
  const versions = join(folder.path, 'proxy/example.com/dep/@v');
  const put = async (file: string, text: string) => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  await put(join(versions, 'v1.0.0.mod'), 'module example.com/dep\n');
  await put(join(versions, 'v1.0.0.info'), '{"Version":"v1.0.0"}');
  const zip = [
    'import sys, zipfile',
    'with zipfile.ZipFile(sys.argv[1], "w") as zip:',
    '    zip.writestr("example.com/dep@v1.0.0/go.mod", "module example.com/dep\\n")',
    '    zip.writestr("example.com/dep@v1.0.0/dep.go", "package dep\\n\\nconst One = 1\\n")',
  ];
  execFileSync('python3', ['-c', zip.join('\n'), join(versions, 'v1.0.0.zip')]);
  const variables = {
    PATH: [dirname(tool('go')), environment.PATH].join(delimiter),
    GOPROXY: `file://${join(folder.path, 'proxy')}`,
    GOSUMDB: 'off',
    GOMODCACHE: join(folder.path, 'modules'),
    // So that the folder can be removed.
    GOFLAGS: '-modcacherw',
    CGO_ENABLED: '0',
  };
  const MESH = 'primitives/integration/mesh';
  const files = {
    [`${MESH}/go.mod`]: 'module example.com/mesh\n\ngo 1.24\n\nrequire example.com/dep v1.0.0\n',
    [`${MESH}/a_test.go`]:
      'package mesh\n\nimport (\n\t"testing"\n\n\t"example.com/dep"\n)\n\nfunc TestA(t *testing.T) {\n\tif dep.One != 1 {\n\t\tt.Fatal(dep.One)\n\t}\n}\n',
  };
  /** Writes go.sum, and forgets what it downloaded for that. */
  const prepare = async (root: string) => {
    execFileSync('go', ['mod', 'tidy'], { cwd: join(root, MESH), env: { ...environment, ...variables } });
    await rm(variables.GOMODCACHE, { recursive: true });
  };
  const without = await verifySuites('integration/mesh', files, { prepare, variables });
  expect(without.document.findings).toMatchObject([
    { rule: 'INT-003', fix: { kind: 'command', text: `cd ${MESH} && go mod download` } },
  ]);
  const installed = await verifySuites('integration/mesh', files, {
    prepare,
    variables,
    install: { scripts: false },
  });
  expect([found(installed), installed.document.suites]).toMatchObject([[], [{ passed: 1, failed: 0 }]]);
});
