import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorSchema } from '../../src/core/error-document.ts';
import { explainSchema, type VerifyDocument, verifySchema } from '../../src/features/verify/document.ts';
import { goldenTree, scaffoldedKinds } from '../support/goldens.ts';
import { type Call, type CallOptions, installPacked, type Packed } from '../support/packed.ts';
import { run } from '../support/services/run.ts';
import { tool } from '../tools/locate.ts';

const SHOP = 'primitives/uisurface/shop';
const sarifSchema = createRequire(import.meta.url)(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
);

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
  const [GOMODCACHE = '', GOCACHE = ''] = (await run(tool('go'), ['env', 'GOMODCACHE', 'GOCACHE'])).split(
    '\n',
  );
  const PATH = [dirname(tool('buf')), dirname(tool('go')), process.env.PATH].join(delimiter);
  tools = { PATH, GOMODCACHE, GOCACHE };
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

function verify(cwd: string, args: readonly string[], options: CallOptions = {}): Promise<Call> {
  return cli.run(['verify', ...args], { cwd, ...options });
}

/** The report, without what differs from run to run. */
function reportOf({ stdout }: Call): Omit<VerifyDocument, 'run'> {
  const { run, ...report }: VerifyDocument = JSON.parse(stdout);
  expect(Check(verifySchema, { ...report, run })).toBe(true);
  return report;
}

describe('the verdict', () => {
  test('fresh scaffolds of all kinds fail by their stubs alone, and what was not checked is said', async () => {
    const human = await verify(fresh, ['--no-tests'], { env: tools });
    expect(human.code).toBe(1);
    const lines = human.stdout.trimEnd().split('\n');
    expect(
      lines.filter((line) => line.includes(' error ')).every((line) => line.includes(' MARK-001 ')),
    ).toBe(true);
    expect(lines.slice(-2)).toEqual([
      'not checked: TEST (--no-tests)',
      `failed: 6 primitives, ${stubs} errors, 0 warnings`,
    ]);
    expect(reportOf(await verify(fresh, ['--no-tests', '--json'], { env: tools }))).toMatchObject({
      verdict: 'failed',
      unchecked: [{ what: 'TEST', why: '--no-tests' }],
      summary: { errors: stubs, warnings: 0, infos: 0, suppressed: 0 },
    });
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
      'not checked: GEN, IMP, TEST, MARK, BPMN (--only)\npartial: 1 primitive, 0 errors, 0 warnings\n',
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

  test('a suite is run by the package as it is installed', async () => {
    const cwd = await repository({
      'primitive.config.yaml': 'registry: ghcr.io/acme\n',
      '.gitignore': 'node_modules\n',
      [`${SHOP}/primitive.yaml`]: 'kind: uisurface\nname: shop\n',
      [`${SHOP}/package-lock.json`]: '{}',
      [`${SHOP}/node_modules/.package-lock.json`]: '{}',
      [`${SHOP}/test/a.test.ts`]: `import { test } from 'node:test'; test('a', () => {});`,
    });
    const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
    const call = await verify(cwd, ['--only', 'TEST', '--json'], { env: { PATH: path } });
    expect([call.code, reportOf(call)]).toMatchObject([
      0,
      { verdict: 'partial', suites: [{ primitive: 'uisurface/shop', suite: 'unit', passed: 1, failed: 0 }] },
    ]);
    const [evidence] = (JSON.parse(call.stdout) as VerifyDocument).run.evidence;
    expect(readFileSync(evidence?.file ?? '', 'utf8')).toContain('<testcase name="a"');
  });
});

describe('a call that is refused', () => {
  test.each([
    [['verify', '--changed-since', 'nowhere', '--no-tests'], 'revision-unknown', 'fetch-depth: 0'],
    [['verify', '--only', 'SHAP'], 'invalid-flag', 'SHAPE'],
    [['verify', 'agent/ordres', '--no-tests'], 'selection-unknown', 'agent/orders'],
    [['explain', 'SHAPE-01'], 'rule-unknown', 'primitive explain SHAPE-001'],
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
  expect(out('markdown')).toContain('&#124;&#60;script&#62;');
  expect(readFileSync(summary, 'utf8')).toContain(out('markdown'));
});

describe('the same tree', () => {
  test('gives the same report to two runs at once, and at another path', async () => {
    const copy = mkdtempSync(join(cli.home, 'elsewhere-'));
    await cp(fresh, copy, { recursive: true });
    const [first, ...others] = await Promise.all(
      [fresh, fresh, copy].map((cwd) => verify(cwd, ['--no-tests', '--json'], { env: tools })),
    );
    expect(first?.code).toBe(1);
    const bytes = (call: Call) => JSON.stringify(reportOf(call));
    for (const other of others) expect(bytes(other)).toBe(bytes(first as Call));
  });

  test('is read anew where the cache is broken, or of another version', async () => {
    const home = mkdtempSync(join(cli.home, 'home-'));
    const args = ['MARK', 'SEC', 'IMP'].flatMap((family) => ['--only', family]);
    const call = () => verify(fresh, [...args, '--json'], { env: { HOME: home } });
    const expected = reportOf(await call());
    const folder = join(home, '.cache/primitive/verify');
    const cache = join(folder, readdirSync(folder)[0] ?? '');
    const kept = JSON.parse(readFileSync(cache, 'utf8'));
    const emptied = Object.entries<{ digest: string; results: object }>(kept.files).map(
      ([path, { digest, results }]) => [
        path,
        { digest, results: Object.fromEntries(Object.keys(results).map((name) => [name, []])) },
      ],
    );
    const files = Object.fromEntries(emptied);
    // The control: such a cache is believed by the version that wrote it.
    writeFileSync(cache, JSON.stringify({ ...kept, files }));
    expect(reportOf(await call()).findings).toEqual([]);
    for (const broken of [JSON.stringify({ version: '0.0.0', files }), '{"version"', 'null']) {
      writeFileSync(cache, broken);
      expect(reportOf(await call())).toEqual(expected);
    }
  });
});
