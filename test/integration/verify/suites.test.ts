import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openWorkTree } from '../../../src/adapters/work-tree.ts';
import { rules } from '../../../src/features/verify/rules/all.ts';
import { type VerifyResult, verify } from '../../../src/features/verify/run.ts';
import { verifyOutcome } from '../../../src/features/verify/view.ts';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { createStyle } from '../../../src/render/style.ts';
import { findProgram } from '../../../src/toolchain/find.ts';
import { parseConfig } from '../../../src/workspace/config.ts';
import { gitEnvironment } from '../../support/git.ts';

const SHOP = 'primitives/uisurface/shop';
const environment = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };

/** What verify says of a primitive with one test file, whose suite `node --test` runs. */
async function run(text: string, { limit = 60_000 } = {}): Promise<VerifyResult> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'verify-suites-'));
  const root = join(folder.path, 'repository');
  const files = {
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    '.gitignore': 'node_modules\n',
    [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
    [`${SHOP}/package-lock.json`]: '{}',
    [`${SHOP}/node_modules/.package-lock.json`]: '{}',
    [`${SHOP}/test/a.test.ts`]: text,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: root, env: gitEnvironment });
  const processes = createProcesses(environment);
  const { signal } = new AbortController();
  const output = join(folder.path, 'output');
  await mkdir(output);
  return await verify(
    {
      selection: { selectors: [], kind: undefined, name: undefined },
      changedSince: undefined,
      mode: 'primitives',
      families: ['TEST'],
      tests: true,
      install: false,
    },
    {
      location: { path: join(root, 'primitive.config.yaml'), root, repositoryRoot: root, found: 'nearest' },
      config: await parseConfig({ text: files['primitive.config.yaml'], shown: 'config', root }, '1.0.0'),
      kinds: await openKinds({ bundled: bundledKinds() }),
      tree: await openWorkTree(processes, root, signal),
      scans: { read: async () => new Map(), write: async () => {} },
      rules,
      regenerate: async () => [],
      suites: {
        processes,
        program: (name) =>
          findProgram(name, { path: environment.PATH, platform: process.platform, processes }),
        variables: {},
        output,
        limit,
      },
      cwd: root,
      emit: () => {},
      signal,
      today: '2026-01-01',
      now: () => 0,
    },
  );
}

/** The schema of OASIS, as Microsoft publishes it. */
const sarifSchema = createRequire(import.meta.url)(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
);

const found = ({ document }: VerifyResult) => document.findings.map(({ rule, path }) => `${rule} ${path}`);

test('a suite that passes is evidence, and one that hangs is ended with what it has started', async () => {
  const passes = `import { test } from 'node:test'; test('a', () => {});`;
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

test('a suite that floods its output, ends its runner or writes to the work tree is told apart', async () => {
  const floods = `import { test } from 'node:test';
test('a', () => { for (let i = 0; i < 2000; i++) process.stdout.write('x'.repeat(100_000) + '\\n'); });`;
  expect(found(await run(floods))).toEqual([]);
  const kills = `import { test } from 'node:test'; test('a', () => { process.kill(process.ppid, 'SIGKILL'); });`;
  expect(found(await run(kills))).toEqual([`TEST-006 ${SHOP}`]);
  const writes = `import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
test('a', () => writeFileSync('left.txt', ''));`;
  expect(found(await run(writes))).toEqual([`TEST-008 ${SHOP}/left.txt`]);
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
  expect(row).toContain('&#124; &#96;a&#96; &#60;script&#62;');
  const text = outcome.text(createStyle(false));
  expect(text).not.toMatch(/^::/m);
  expect(text).not.toContain('\u001b');
});
