import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { errorSchema } from '../../src/core/error-document.ts';
import { explainSchema } from '../../src/features/explain/document.ts';
import { type VerifyDocument, verifySchema } from '../../src/features/verify/document.ts';
import {
  kindOf,
  nodeModules,
  readCases,
  syncPython,
} from '../integration/kinds/python-ts-kinds-workbench.ts';
import { watchDescendants } from '../support/descendants.ts';
import { goCaches } from '../support/go-caches.ts';
import { goldenTree, scaffoldedKinds } from '../support/goldens.ts';
import { type Call, type CallOptions, collect, installPacked, type Packed } from '../support/packed.ts';
import { referenceTree } from '../support/references.ts';
import { startPostgres } from '../support/services/postgres.ts';
import { run } from '../support/services/run.ts';
import { tool } from '../tools/locate.ts';

const SHOP = 'primitives/uisurface/shop';
/** A kind of the repository whose suite needs nothing that has to be installed. */
const SITE = 'primitives/page/site';
const PAGE_KIND = `schema: primitive.kind/v1
kind: page
version: 1
language: ts
names: { pattern: "^[a-z]+$" }
suites: [{ id: unit, runner: node-test, args: ["test/*.test.ts"], required: true }]
build: { context: ".", dockerfile: Dockerfile }
`;
const sarifSchema = createRequire(import.meta.url)(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
);

/** With the node that suites of TypeScript run on. */
const nodePath = [dirname(process.execPath), process.env.PATH].join(delimiter);

let cli: Packed;
/** A scaffold of every kind, as it is written: the findings are those of the stubs. */
let fresh: string;
let stubs = 0;
/** What generators need. */
let tools: Readonly<Record<string, string>>;

beforeAll(async () => {
  cli = await installPacked();
  fresh = await repository({ 'primitive.config.yaml': 'registry: ghcr.io/acme\n' });
  for (const kind of await scaffoldedKinds()) {
    for (const [path, content] of Object.entries(await goldenTree(kind))) {
      write(fresh, `primitives/${kind}/orders/${path}`, content.slice(2));
      stubs += content.split('AMEIDE_SCAFFOLD').length - 1;
    }
  }
  const PATH = [dirname(tool('buf')), dirname(tool('uv')), dirname(tool('go')), process.env.PATH].join(
    delimiter,
  );
  tools = { PATH, ...(await goCaches()) };
});
afterAll(() => cli[Symbol.asyncDispose]());

function write(root: string, path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function repository(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = mkdtempSync(join(cli.home, 'repository-'));
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd });
  for (const [path, content] of Object.entries(files)) write(cwd, path, content);
  return cwd;
}

/** A repository of one primitive with one test file and nothing to install. */
function siteWith(text: string, config = ''): Promise<string> {
  return repository({
    'primitive.config.yaml': `registry: ghcr.io/acme\n${config}`,
    'kinds/page/kind.yaml': PAGE_KIND,
    '.gitignore': 'node_modules\n',
    [`${SITE}/primitive.yaml`]: 'kind: page\nname: site\n',
    [`${SITE}/package-lock.json`]: '{}',
    [`${SITE}/node_modules/.package-lock.json`]: '{}',
    [`${SITE}/test/a.test.ts`]: text,
  });
}

/** Puts what lock files name where package managers do. */
async function linkDependencies(root: string): Promise<void> {
  const bytes = (path: string) => readFileSync(join(root, path));
  await syncPython(join(root, 'primitives/agent/orders'));
  const surface = 'primitives/uisurface/orders';
  const modules = await nodeModules(bytes(`${surface}/package.json`), bytes(`${surface}/package-lock.json`));
  symlinkSync(modules, join(root, surface, 'node_modules'));
  for (const file of globSync('primitives/*/orders/go.mod', { cwd: root })) {
    await run(tool('go'), ['mod', 'download'], { cwd: join(root, dirname(file)) });
  }
}

function verify(cwd: string, args: readonly string[], options: CallOptions = {}): Promise<Call> {
  return cli.run(['verify', ...args], { cwd, ...options });
}

/** A report, without what differs from run to run. */
function reportOf(json: string): Omit<VerifyDocument, 'run'> {
  const { run, ...report }: VerifyDocument = JSON.parse(json);
  expect(Check(verifySchema, { ...report, run })).toBe(true);
  return report;
}

describe('the verdict', () => {
  test('--max-findings says how many findings of a report are shown', async () => {
    const shown = async (most: string) => {
      const { code, stdout } = await verify(fresh, ['--no-tests', '--only', 'mark', '--max-findings', most]);
      expect(code).toBe(1);
      return [stdout.match(/ error MARK-001 /g)?.length, /^and \d+ more findings/m.test(stdout)];
    };
    expect(await shown('2')).toEqual([2, true]);
    expect(await shown('0')).toEqual([stubs, false]);
  });

  test('fresh scaffolds of all kinds fail by their stubs alone, and what was not checked is said', async () => {
    const file = join(cli.home, 'fresh.json');
    const args = ['--no-tests', '--report', `json=${file}`];
    const { code, stdout } = await verify(fresh, args, { env: tools });
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(
      lines.filter((line) => line.includes(' error ')).every((line) => line.includes(' MARK-001 ')),
    ).toBe(true);
    expect(lines.slice(-3)).toEqual([
      'not checked: TEST (--no-tests)',
      expect.stringMatching(/^[0-9]+ files: [0-9]+ checked \(SHAPE [0-9]+, .*, SEC [0-9]+, BPMN [0-9]+\)/),
      `failed: 6 primitives, ${stubs} errors, 0 warnings`,
    ]);
    expect(reportOf(readFileSync(file, 'utf8'))).toMatchObject({
      verdict: 'failed',
      unchecked: [{ what: 'TEST', why: '--no-tests' }],
      summary: { errors: stubs, warnings: 0, infos: 0, suppressed: 0 },
    });
  });

  test('a service that was there before needs its Dockerfile alone, of each kind and wherever it is', async () => {
    const kinds = await scaffoldedKinds();
    const files = Object.fromEntries(
      kinds.flatMap((kind) => {
        const folder = `primitives/${kind}/ledger`;
        return [
          [
            `${folder}/primitive.yaml`,
            `kind: ${kind}\nname: ledger\nbuild: { dockerfile: docker/ledger.Dockerfile }\n`,
          ],
          [`${folder}/docker/ledger.Dockerfile`, `FROM scratch@sha256:${'0'.repeat(64)}\nUSER 65532\n`],
        ];
      }),
    );
    const cwd = await repository({ 'primitive.config.yaml': 'registry: ghcr.io/acme\n', ...files });
    const { code, stdout } = await verify(cwd, ['--only', 'SHAPE', '--no-tests', '--json']);
    const { findings, scope } = reportOf(stdout);
    expect(findings).toEqual([]);
    expect(scope.primitives).toEqual(kinds.map((kind) => `${kind}/ledger`).sort());
    expect(code).toBe(0);
  });

  test('a part without findings is partial and ends with 0', async () => {
    const temporary = mkdtempSync(join(cli.home, 'temporary-'));
    const only = ['--only', 'SHAPE', '--only', 'SEC'];
    const { code, stdout } = await verify(fresh, ['uisurface/orders', ...only], {
      env: { TMPDIR: temporary },
    });
    expect(readdirSync(temporary).filter((name) => name.startsWith('primitive-'))).toEqual([]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /^not checked: GEN, IMP, TEST, MARK, BPMN \(--only\)\n.* checked \(SHAPE [0-9]+, SEC [0-9]+\), .* of primitives that were not selected\npartial: 1 primitive, 0 errors, 0 warnings\n$/,
      ),
    ]);
  });

  test('suites that are left out although the config requires them make it incomplete', async () => {
    const cwd = await repository({
      'primitive.config.yaml': 'registry: ghcr.io/acme\nverify: { tests: required }\n',
      [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
    });
    const { code, stdout } = await verify(cwd, ['--no-tests', '--only', 'TEST']);
    expect([code, stdout.includes('INT-006'), stdout.includes('incomplete:')]).toEqual([3, true, true]);
  });

  test('what a commit would have is checked without running anything', async () => {
    const cwd = await siteWith(`import { test } from 'node:test'; test('a', (t) => t.assert.ok(false));`);
    await run('git', ['add', '.'], { cwd });
    write(cwd, `${SITE}/later.ts`, '// AMEIDE_SCAFFOLD');
    const only = ['--staged', '--only', 'mark,test,gen'];
    const clean = await verify(cwd, only);
    expect([clean.code, clean.stdout]).toEqual([
      0,
      expect.stringContaining('not checked: GEN, TEST (--staged)'),
    ]);
    await run('git', ['add', '.'], { cwd });
    expect(await verify(cwd, only)).toMatchObject({ code: 1, stdout: expect.stringContaining('MARK-001') });
  });

  test('a suite is run by the package as it is installed', async () => {
    const cwd = await siteWith(`import { test } from 'node:test'; test('a', (t) => t.assert.ok(true));`);
    const call = await verify(cwd, ['--only', 'TEST', '--json'], { env: { PATH: nodePath } });
    expect([call.code, reportOf(call.stdout)]).toMatchObject([
      0,
      { verdict: 'partial', suites: [{ primitive: 'page/site', suite: 'unit', passed: 1, failed: 0 }] },
    ]);
    const [evidence] = (JSON.parse(call.stdout) as VerifyDocument).run.evidence;
    expect(readFileSync(evidence?.file ?? '', 'utf8')).toContain('<testcase name="a"');
  });
});

test('a suite has the time that the config gives it', async () => {
  const hangs = `import { test } from 'node:test'; test('a', () => new Promise((done) => setTimeout(done, 600_000)));`;
  const cwd = await siteWith(hangs, 'verify: { suiteSeconds: 10 }\n');
  const call = await verify(cwd, ['--only', 'TEST', '--json'], { env: { PATH: nodePath } });
  const { findings } = reportOf(call.stdout);
  expect([call.code, findings.map(({ rule }) => rule)]).toEqual([1, ['TEST-007']]);
}, 120_000);

test('implemented scaffolds of all kinds pass, with every suite run and nothing left out', async () => {
  const postgres = await startPostgres();
  try {
    const cwd = mkdtempSync(join(cli.home, 'implemented-'));
    await cp(fresh, cwd, { recursive: true });
    const expected: Record<string, object> = {};
    const checks: string[] = [];
    for (const kind of await scaffoldedKinds()) {
      const folder = `primitives/${kind}/orders`;
      for (const [path, content] of Object.entries(await referenceTree(kind))) {
        writeFileSync(join(cwd, folder, path), content);
      }
      const { suites = [] } = await kindOf(kind);
      for (const { id, cases } of suites) {
        // A compiler has a case for each file.
        if (cases === undefined) {
          checks.push(`${kind}/orders ${id}`);
          continue;
        }
        const names = cases.filter((one) => one.with === undefined).map((one) => one.id);
        expected[`${kind}/orders ${id}`] = {
          passed: names.length,
          failed: 0,
          skipped: 0,
          names: names.sort(),
        };
      }
    }
    await linkDependencies(cwd);
    const call = await verify(cwd, ['--json'], {
      env: {
        ...tools,
        CGO_ENABLED: '0',
        TEST_POSTGRES_URL: postgres.url,
        TEST_CHROMIUM: '/usr/bin/chromium',
      },
    });
    const report = reportOf(call.stdout);
    expect(report.findings).toEqual([]);
    expect([call.code, report.verdict, report.unchecked]).toEqual([0, 'passed', []]);
    const { evidence } = (JSON.parse(call.stdout) as VerifyDocument).run;
    const found = report.suites.map(({ primitive, suite, passed, failed, skipped }) => {
      const file = evidence.find((one) => one.primitive === primitive && one.suite === suite)?.file ?? '';
      const names = readCases(readFileSync(file, 'utf8')).map(({ id }) => id);
      return [`${primitive} ${suite}`, { passed, failed, skipped, names: names.sort() }];
    });
    const isCheck = ([name]: (typeof found)[number]) => checks.includes(String(name));
    expect(Object.fromEntries(found.filter((one) => !isCheck(one)))).toEqual(expected);
    expect(found.filter(isCheck).map(([name, counts]) => [name, counts])).toEqual(
      checks.sort().map((name) => [name, expect.objectContaining({ failed: 0, skipped: 0 })]),
    );
  } finally {
    await postgres.stop();
  }
}, 1_200_000);

test('an interrupt ends a suite with all that it has started', async () => {
  const cwd = await siteWith(`import { spawn } from 'node:child_process';
import { test } from 'node:test';
test('a', () => new Promise(() => { spawn('sleep', ['3600'], { stdio: 'inherit' }); }));`);
  const child = cli.start(['verify', '--only', 'TEST'], { cwd, env: { PATH: nodePath } });
  const call = collect(child, '');
  const family = watchDescendants(child.pid ?? 0);
  const isStarted = () => [...family.commandLines].some((line) => line.includes('sleep 3600'));
  await vi.waitUntil(isStarted, { timeout: 240_000 });
  child.kill('SIGINT');
  const { code, stdout, stderr } = await call;
  expect([code, stdout]).toEqual([130, '']);
  expect(stderr).toContain('Stopped by SIGINT');
  expect(family.survivors()).toEqual([]);
  await family.stop();
});

describe('a file that is made to keep the scan busy', () => {
  test('takes no longer than another one', async () => {
    const cwd = await siteWith('');
    // With 24 words it took a second, with 25 two.
    write(cwd, `${SITE}/key.txt`, `-----BEGIN PRIVATE KEY-----\n${'Proc: Type: '.repeat(28)}!`);
    const { code, stdout } = await verify(cwd, ['--only', 'SEC']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('partial: 1 primitive, 0 errors')]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is left at %s', async (signal, exit) => {
    const cwd = await siteWith('');
    // Ten thousand characters are tried for each of these. It takes half a minute, and is ended before that.
    write(cwd, `${SITE}/tokens.txt`, 'ghs_1_a.'.repeat(2 ** 20));
    const child = cli.start(['verify', '--only', 'SEC'], { cwd });
    const call = collect(child, '');
    await vi.waitUntil(() => processorTime(child.pid ?? 0) > 2_000, { timeout: 240_000, interval: 50 });
    const sent = performance.now();
    child.kill(signal);
    const { code, stderr } = await call;
    expect([code, stderr]).toEqual([exit, expect.stringContaining(`Stopped by ${signal}`)]);
    // The scan would have gone on for ten seconds and more.
    expect(performance.now() - sent).toBeLessThan(5_000);
  });

  test('is ended, with a finding that names it and its family', async () => {
    const cwd = await siteWith('');
    write(cwd, `${SITE}/tokens.txt`, 'ghs_1_a.'.repeat(2 ** 20));
    write(
      cwd,
      `${SITE}/token.ts`,
      `export const token = 'ghp_${'0a1B2c3D4e5F6g7H8i9'.repeat(2).slice(0, 36)}';\n`,
    );
    const { code, stdout } = await verify(cwd, ['--only', 'SEC']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/INT-007 +\S+tokens\.txt is not checked by SEC: it took longer than 13 s/);
    expect(stdout).toContain('SEC-002');
    expect(stdout).toContain('incomplete: ');
  });
});

/** Milliseconds of the processor that a process has had, in all of its threads: proc(5), in ticks of 10 ms. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime = '0', stime = '0'] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) * 10;
}

describe('a call that is refused', () => {
  test.each([
    [['verify', '--changed-since', 'nowhere', '--no-tests'], 'revision-unknown', 'fetch-depth: 0'],
    [['verify', '--only', 'SHAP'], 'invalid-flag', 'SHAPE'],
    [['verify', 'agent/ordres', '--no-tests'], 'selection-unknown', 'agent/orders'],
    [['explain', 'SHAPE-0001'], 'rule-unknown', 'primitive explain SHAPE-001'],
  ])('%j ends with 2', async (args, code, says) => {
    const { code: exit, stdout } = await cli.run([...args, '--json'], { cwd: fresh });
    const error = JSON.parse(stdout);
    expect([exit, Check(errorSchema, error), error.code, stdout.includes(says)]).toEqual([
      2,
      true,
      code,
      true,
    ]);
  });
});

test('explain has every page in the package, outside of a repository', async () => {
  const list = JSON.parse((await cli.run(['explain', '--json'])).stdout);
  expect(Check(explainSchema, list)).toBe(true);
  const pages = readdirSync(join(cli.folder, 'src/features/verify/rules')).filter((name) =>
    name.endsWith('.md'),
  );
  expect(pages.sort()).toEqual(list.rules.map(({ id }: { id: string }) => `${id}.md`).sort());
  expect((await cli.run(['explain', 'imp-001'])).stdout).toMatch(/^# IMP-001: /);
  expect((await cli.run(['explain', 'inputs-dirty'])).stdout).toMatch(/^# inputs-dirty\n\nA file /);
});

test('reports and annotations hold every finding, whatever a file is called', async () => {
  const cwd = await repository({
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
    [`${SHOP}/a\n::error file=b::|<script>\u001b[31m.txt`]: 'AMEIDE_SCAFFOLD',
  });
  const summary = join(cwd, 'summary.md');
  writeFileSync(summary, '');
  const reports = ['sarif', 'junit', 'markdown'].flatMap((format) => ['--report', `${format}=out.${format}`]);
  const { code, stdout, stderr } = await verify(cwd, ['--only', 'MARK', ...reports], {
    env: { CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary },
  });
  const out = (format: string) => readFileSync(join(cwd, `out.${format}`), 'utf8');
  expect(code).toBe(1);
  expect(stdout).not.toMatch(/^::/m);
  expect(stdout + out('junit') + out('markdown')).not.toContain('\u001b');
  expect(stderr.split('\n').filter((line) => line.startsWith('::'))).toEqual([
    expect.stringMatching(
      /^::error file=primitives\/uisurface\/shop\/a%0A%3A%3Aerror[^\n]*,title=MARK-001::/,
    ),
  ]);
  const log = JSON.parse(out('sarif'));
  expect([Check(sarifSchema, log), log.runs[0].results]).toMatchObject([
    true,
    [{ ruleId: 'MARK-001', partialFingerprints: expect.anything() }],
  ]);
  expect(out('junit')).toContain('&lt;script&gt;');
  expect(out('markdown')).toContain('\\|\\<script\\>');
  expect(readFileSync(summary, 'utf8')).toBe(out('markdown'));
});

test('the same tree gives the same report to two runs at once, and at another path', async () => {
  const copy = mkdtempSync(join(cli.home, 'elsewhere-'));
  await cp(fresh, copy, { recursive: true });
  const [here, there] = await Promise.all(
    [fresh, copy].map((cwd) => verify(cwd, ['--no-tests', '--json'], { env: tools })),
  );
  expect([here?.code, there?.code]).toEqual([1, 1]);
  const bytes = (call: Call | undefined) => JSON.stringify(reportOf(call?.stdout ?? ''));
  expect(bytes(there)).toBe(bytes(here));
  const again = await verify(fresh, ['--no-tests', '--only', 'MARK', '--json'], { env: tools });
  expect(reportOf(again.stdout).findings).toEqual(reportOf(here?.stdout ?? '').findings);
});
