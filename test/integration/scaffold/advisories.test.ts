import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openWorkTree } from '../../../src/adapters/work-tree.ts';
import { releaseAdvisories } from '../../../src/features/release/advisories.ts';
import { openAllKinds } from '../../../src/kinds/packages.ts';
import { findConfig } from '../../../src/repository/discovery.ts';
import { gitEnvironment, type TestRepository } from '../../support/git.ts';
import { scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt, devCli } from '../../support/services/run.ts';

const KINDS = 'node_modules/@acme/kinds/kinds';
const SOURCE = 'src/[snake].ts.eta';
const MANIFEST = 'primitives/widget/order-lines/primitive.yaml';
const TEMPLATE = `${KINDS}/widget/files/${SOURCE}`;
const UPDATE = 'primitive scaffold --kind widget --name order-lines --update';

interface AdvisoryFile {
  readonly path?: string;
  readonly affected?: readonly string[];
  readonly fixed: string | null;
}

const advise = (repo: TestRepository, file: AdvisoryFile, more: object = {}) =>
  repo.write({
    [`${KINDS}/advisories.json`]: JSON.stringify({
      schema: 'primitive.advisories/v1',
      advisories: [
        {
          id: 'ACME-1',
          kind: 'widget',
          severity: 'high',
          summary: 'Tokens are compared in variable time.',
          files: [{ path: SOURCE, ...file }],
          ...more,
        },
      ],
    }),
  });

async function scaffolded(): Promise<TestRepository> {
  const repo = await scaffoldRepo();
  await scaffold(repo.root);
  await repo.commit({}, 'Scaffold');
  return repo;
}

/** What is recorded of the template file. */
async function recorded(repo: TestRepository): Promise<string> {
  const text = await readFile(join(repo.root, MANIFEST), 'utf8');
  const lines = text.slice(text.indexOf('  sources:')).split('\n');
  return `sha256:${lines
    .find((line) => line.endsWith(`  ${SOURCE}`))
    ?.trim()
    .slice(0, 64)}`;
}

const OTHER = `sha256:${'ab'.repeat(32)}`;

async function verify(repo: TestRepository) {
  const args = ['verify', '--only', 'SHAPE', '--json'];
  const { code, stdout } = await attempt(devCli, args, { cwd: repo.root });
  const { findings, unchecked } = JSON.parse(stdout);
  const ours = findings.filter(({ rule }: { rule: string }) => rule === 'SHAPE-016');
  const left = unchecked.filter(({ what }: { what: string }) => what.startsWith('ACME-1'));
  return { code, ours, left };
}

async function listed(repo: TestRepository) {
  const { stdout } = await attempt(devCli, ['list', '--json'], { cwd: repo.root });
  return JSON.parse(stdout).primitives[0].advisories.map(({ id, state }: { id: string; state: string }) => [
    id,
    state,
  ]);
}

describe('an advisory of a package', () => {
  test('turns verify red with the command that corrects it, which does', async () => {
    await using repo = await scaffolded();
    const before = await recorded(repo);
    await writeFile(join(repo.root, TEMPLATE), 'export const color = fixed;\n');
    await advise(repo, { fixed: OTHER });
    const red = await verify(repo);
    expect(red.code).toBe(1);
    expect(red.ours).toEqual([
      expect.objectContaining({
        level: 'error',
        path: MANIFEST,
        message: expect.stringContaining('ACME-1 (high): Tokens are compared in variable time.'),
        fix: { kind: 'command', text: UPDATE },
      }),
    ]);
    expect(await listed(repo)).toEqual([['ACME-1', 'affected']]);
    const text = await attempt(devCli, ['list'], { cwd: repo.root });
    expect(text.stdout).toContain(UPDATE);
    await attempt(devCli, UPDATE.split(' ').slice(1), { cwd: repo.root });
    expect(await recorded(repo)).not.toBe(before);
    expect(await verify(repo)).toMatchObject({ ours: [], left: [] });
    expect(await listed(repo)).toEqual([]);
  });

  test.each([
    ['that names the digest as corrected', (own: string) => ({ fixed: own }), []],
    [
      'that names it as affected',
      (own: string) => ({ affected: [own], fixed: OTHER }),
      [['ACME-1', 'affected']],
    ],
    ['that names others as affected', () => ({ affected: [OTHER], fixed: OTHER }), []],
    ['without a correction', () => ({ fixed: null }), [['ACME-1', 'affected']]],
    ['of a file that is no longer there', () => ({ path: 'gone.ts', fixed: null }), []],
  ] as const)('%s', async (_, file, expected) => {
    await using repo = await scaffolded();
    await advise(repo, file(await recorded(repo)));
    expect(await listed(repo)).toEqual(expected);
  });

  test.each([
    [
      'an older record, without digests',
      async (repo: TestRepository) => {
        const text = await readFile(join(repo.root, MANIFEST), 'utf8');
        await writeFile(join(repo.root, MANIFEST), text.replace(/^ {2}sources: \|.*\n(?: {4}.*\n)*/m, ''));
      },
    ],
    [
      'a digest that the advisory does not name',
      async (repo: TestRepository) => {
        const text = await readFile(join(repo.root, MANIFEST), 'utf8');
        const own = (await recorded(repo)).slice('sha256:'.length);
        await writeFile(join(repo.root, MANIFEST), text.replace(own, 'cd'.repeat(32)));
      },
    ],
    [
      'a file that its owner deleted',
      async (repo: TestRepository) => {
        await rm(join(repo.root, 'primitives/widget/order-lines/src'), { recursive: true });
        await repo.commit({}, 'Delete');
        await scaffold(repo.root, { update: true });
      },
    ],
  ])('of which a record does not say: %s is listed as not checked, and not as clean', async (_, change) => {
    await using repo = await scaffolded();
    await advise(repo, { affected: [OTHER], fixed: OTHER });
    await change(repo);
    const { ours, left } = await verify(repo);
    expect(ours).toEqual([]);
    expect(left).toEqual([
      { what: 'ACME-1 (high) of primitives/widget/order-lines', why: expect.stringContaining(UPDATE) },
    ]);
    expect(await listed(repo)).toEqual([['ACME-1', 'unknown']]);
  });

  test('says nothing of code that no template wrote, nor of another kind', async () => {
    await using repo = await scaffolded();
    await advise(repo, { fixed: null }, { kind: 'gadget' });
    expect(await listed(repo)).toEqual([]);
    await advise(repo, { fixed: null });
    await writeFile(join(repo.root, MANIFEST), 'kind: widget\nname: order-lines\n');
    expect(await listed(repo)).toEqual([]);
  });

  test('that cannot be read is refused with its place', async () => {
    await using repo = await scaffolded();
    await advise(repo, { fixed: 'latest' });
    const { code, stderr, stdout } = await attempt(devCli, ['list', '--json'], { cwd: repo.root });
    expect([code, JSON.parse(stdout).code]).toEqual([2, 'kind-invalid']);
    expect(`${stdout}${stderr}`).toContain('advisories.json:1:');
  });
});

test('an advisory is said of the images of a release, by what their commit records, and not known without the commit', async () => {
  await using repo = await scaffolded();
  const commit = repo.git('rev-parse', 'HEAD').trim();
  await writeFile(join(repo.root, TEMPLATE), 'export const color = fixed;\n');
  await advise(repo, { fixed: OTHER });
  await scaffold(repo.root, { update: true });
  await repo.commit({}, 'Update');
  const head = repo.git('rev-parse', 'HEAD').trim();
  const location = await findConfig({ cwd: repo.root });
  const kinds = await openAllKinds(['@acme/kinds'], location);
  const digest = `sha256:${'0'.repeat(64)}` as const;
  const bundles = { signature: digest, provenance: digest, sbom: [{ platform: 'linux/amd64', digest }] };
  const component = {
    kind: 'widget',
    name: 'order-lines',
    image: 'r.io/a',
    digest,
    inputDigest: '0',
    platforms: ['x'],
    bundles,
  };
  const said = async (of: string) => {
    const found = await releaseAdvisories(
      { schema: 'primitive.release/v1', commit: of, components: [component] },
      {
        workspace: async () => ({ location }),
        kinds: async () => kinds,
        workTree: () => openWorkTree(createProcesses(gitEnvironment), repo.root),
      },
    );
    return found.get('widget/order-lines')?.map(({ id, state }) => [id, state]);
  };
  expect(await said(commit)).toEqual([['ACME-1', 'affected']]);
  expect(await said(head)).toEqual([]);
  expect(await said('0'.repeat(40))).toBeUndefined();
});
