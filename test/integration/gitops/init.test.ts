import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PrimitiveError } from '../../../src/core/errors.ts';
import type { Event } from '../../../src/core/events.ts';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import type { KitRequest } from '../../../src/features/gitops-init/run.ts';
import { gitEnvironment, gitRepo, type TestRepository } from '../../support/git.ts';
import { initKit } from '../../support/kit.ts';
import { contentOf } from '../../support/tree.ts';

async function gitopsRepo(): Promise<TestRepository> {
  const repo = await gitRepo({ 'README.md': 'GitOps\n' });
  repo.git('remote', 'add', 'origin', 'https://github.com/acme/gitops.git');
  return repo;
}

/** `installed.json`. */
const record = (version: string, files: Readonly<Record<string, string>>) =>
  JSON.stringify({ schema: 'primitive.kit-installed/v1', version, files });

const SCRIPT = '.github/primitive/scaffold.mjs';
const RECORD = '.github/primitive/installed.json';

/** Why the kit is not installed. */
async function refusalOf(repo: TestRepository, request: Partial<KitRequest> = {}): Promise<PrimitiveError> {
  return initKit(repo.root, request).then(
    () => expect.fail('it is installed'),
    (error: unknown) => error as PrimitiveError,
  );
}

/** Runs what a refusal advises; what it prints. */
function shell(repo: TestRepository, advice = '', values: Readonly<Record<string, string>> = {}): string {
  const command = advice
    .replace(/^[A-Z].*?: /, '')
    .replace(/\b[A-Z]{4,}\b/g, (name) => values[name] ?? expect.fail(`${name} in ${advice}`));
  return execFileSync('sh', ['-c', command], { cwd: repo.root, env: gitEnvironment, encoding: 'utf8' });
}

/** The kit with another text in one file, as a newer version would have it. */
async function kitWith(path: string, change: (text: string) => string) {
  const kit = await bundledKit();
  return { ...kit, sources: new Map(kit.sources).set(path, change(kit.sources.get(path) ?? '')) };
}

describe('gitops init', () => {
  test('installs everything once, and does nothing the second time', async () => {
    await using repo = await gitopsRepo();
    const dry = await initKit(repo.root, { dryRun: true });
    expect(dry).toMatchObject({ installed: null, written: false });
    expect(repo.git('status', '--porcelain')).toBe('');
    const first = await initKit(repo.root);
    expect(first.files).toEqual(dry.files);
    expect(first.written).toBe(true);
    repo.git('add', '-A');
    repo.git('commit', '-qm', 'Install the kit');
    const content = await contentOf(repo.root, ['.git']);
    const second = await initKit(repo.root);
    expect(second).toMatchObject({ installed: '0.1.0', written: false });
    expect(await contentOf(repo.root, ['.git'])).toEqual(content);
  });

  test('merges a newer kit with what the owner changed', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    const installed = await repo.read(SCRIPT);
    await repo.commit({ [SCRIPT]: installed.replace('// Writes', '// Ours\n// Writes') });
    const newer = {
      version: '0.2.0',
      kit: () => kitWith('scaffold/scaffold.mjs', (text) => `${text}// newer\n`),
    };
    await expect(initKit(repo.root, {}, newer)).rejects.toMatchObject({ code: 'kit-outdated', exit: 2 });
    const result = await initKit(repo.root, { update: true }, newer);
    expect(result.files.filter(({ action }) => action !== 'unchanged')).toEqual([
      { path: SCRIPT, action: 'merge' },
    ]);
    expect(await repo.read(SCRIPT)).toMatch(/^\/\/ Ours\n.*\/\/ newer\n$/s);
    repo.git('commit', '-qam', 'Update the kit');
    // The next update starts from there; an older program does not go back.
    expect((await initKit(repo.root, { update: true }, newer)).written).toBe(false);
    await expect(initKit(repo.root, { update: true })).rejects.toMatchObject({ code: 'kit-newer', exit: 2 });
  });

  test('line ends of Windows are no change', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    const windows = async (path: string) => ({ [path]: (await repo.read(path)).replaceAll('\n', '\r\n') });
    await repo.commit({ ...(await windows(SCRIPT)), ...(await windows('kit.yaml')) });
    expect((await initKit(repo.root)).written).toBe(false);
    const newer = {
      version: '0.2.0',
      kit: () => kitWith('scaffold/scaffold.mjs', (text) => `${text}// newer\n`),
    };
    const { files } = await initKit(repo.root, { update: true }, newer);
    expect(files.filter(({ action }) => action !== 'unchanged')).toEqual([
      { path: SCRIPT, action: 'update' },
    ]);
  });

  test('a conflict is refused with its lines, and written with markers where that is asked for', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    const [first = '', ...rest] = (await repo.read(SCRIPT)).split('\n');
    await repo.commit({ [SCRIPT]: ['// Mine', ...rest].join('\n') });
    const newer = {
      version: '0.2.0',
      kit: () => kitWith('scaffold/scaffold.mjs', (text) => text.replace(first, '// Theirs')),
    };
    const before = await contentOf(repo.root, ['.git']);
    await expect(initKit(repo.root, { update: true }, newer)).rejects.toMatchObject({
      code: 'kit-conflict',
      exit: 2,
      why: `${SCRIPT}:1: changed here, and by the kit`,
    });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
    await initKit(repo.root, { update: true, markers: true }, newer);
    expect(await repo.read(SCRIPT)).toContain(
      `<<<<<<< yours\n// Mine\n||||||| installed\n${first}\n=======\n// Theirs\n>>>>>>> kit\n`,
    );
  });

  test('changed settings come into effect by an update: a lane more', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root, { lanes: ['dev'] });
    repo.git('add', '-A');
    repo.git('commit', '-qm', 'Install the kit');
    const settings = await repo.read('kit.yaml');
    const lane = /^ {2}- \{ name: dev.*\n/m.exec(settings)?.[0] ?? '';
    await repo.write({ 'kit.yaml': settings.replace(lane, lane + lane.replaceAll('dev', 'test')) });
    await expect(initKit(repo.root)).rejects.toMatchObject({
      code: 'kit-outdated',
      why: 'kit.yaml has changed since then.',
    });
    const { files, lanes } = await initKit(repo.root, { update: true });
    expect(files.filter(({ action }) => action === 'create' || action === 'delete')).toEqual([
      { path: 'argocd/applicationsets/lane-test.yaml', action: 'create' },
      { path: 'sources/values/env/test/globals.yaml', action: 'create' },
    ]);
    expect(lanes).toEqual([]);
  });

  test('where Flux deploys, what is for Argo CD is refused, and the rest is installed as it is advised', async () => {
    await using repo = await gitopsRepo();
    await repo.commit({ 'clusters/home/flux-system/gotk-sync.yaml': 'kind: GitRepository\n' });
    const before = await contentOf(repo.root, ['.git']);
    const refused = await refusalOf(repo);
    expect(refused).toMatchObject({
      code: 'kit-flux',
      exit: 2,
      why: expect.stringContaining('gotk-sync.yaml'),
    });
    expect(refused.suggestions[0]).toContain('--parts workflow,gate,charts');
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
    await initKit(repo.root, { parts: ['workflow', 'gate', 'charts'] });
    const paths = Object.keys(await contentOf(repo.root, ['.git'])).join('\n');
    expect(paths).toContain('.github/workflows/gitops-gate.yaml');
    expect(paths).toContain('sources/charts/primitive-runtime/Chart.yaml');
    expect(paths).not.toMatch(/^(argocd|sources\/crds)\//m);
  });

  test('beside overlays of Kustomize it installs what Argo CD deploys only if the parts are chosen', async () => {
    await using repo = await gitopsRepo();
    await repo.commit({ 'apps/web/overlays/dev/kustomization.yaml': 'resources: [../../base]\n' });
    const before = await contentOf(repo.root, ['.git']);
    const refused = await refusalOf(repo);
    expect(refused).toMatchObject({
      code: 'kit-kustomize',
      exit: 2,
      why: expect.stringContaining('apps/web/overlays/dev/kustomization.yaml'),
    });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
    const [, parts = ''] = /--parts (\S+)$/.exec(refused.suggestions[0] ?? '') ?? [];
    await initKit(repo.root, { parts: parts.split(',') });
    expect(await repo.read('argocd/bootstrap.yaml')).toContain('kind: Application');
    // It was chosen, and an update does not ask again.
    await repo.commit({}, 'Install the kit');
    expect((await initKit(repo.root)).written).toBe(false);
  });

  test('a lane that is removed, renamed or moved is left only when that is asked for, with what to do', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root, { lanes: ['dev', 'production'] });
    const values = { 'sources/values/env/production/apps/x.yaml': 'enabled: true\n' };
    await repo.commit(values);
    const settings = await repo.read('kit.yaml');
    const before = await contentOf(repo.root, ['.git', 'kit.yaml']);
    const changes = [
      ['name: production', 'name: prod', 'removed'],
      ['namespace: acme-production', 'namespace: acme-prod', 'moved'],
      ['schema:', 'argocd: { prefix: shop }\nschema:', 'renamed'],
    ] as const;
    for (const [from, to, change] of changes) {
      await repo.write({ 'kit.yaml': settings.replace(from, to) });
      const refused = await refusalOf(repo, { update: true });
      expect(refused).toMatchObject({ code: 'kit-lane-removed', exit: 2 });
      expect(refused.why).toContain(
        `lane production is ${change === 'renamed' ? 'under another `argocd`' : change}; the workloads in acme-production on main would keep`,
      );
      expect(await contentOf(repo.root, ['.git', 'kit.yaml'])).toEqual(before);
      const plan = await initKit(repo.root, { update: true, allowLaneRemoval: true, dryRun: true });
      expect(plan.lanes.at(-1)).toEqual({
        name: 'production',
        change,
        cluster: 'main',
        namespace: 'acme-production',
        applicationSets: [
          'acme-components-production',
          'acme-operators-production',
          'acme-namespace-production',
        ],
      });
      // What Argo CD makes of each is in cluster-lanes.ts, which does what these say.
      const ending = 'kubectl delete applicationset -n argocd acme-components-production';
      if (change === 'moved')
        expect(plan.next.slice(0, 2)).toEqual([
          'Lane production, before you merge this: create the Secrets and ConfigMaps that its components name in acme-prod on main, too',
          expect.stringMatching(
            /^Lane production, once it is merged: the workloads in acme-production on main keep running/,
          ),
        ]);
      if (change === 'renamed') {
        const sets = plan.lanes.flatMap(({ applicationSets }) => applicationSets);
        const all = [...sets, 'acme-preview-components', 'acme-preview-namespaces'].sort();
        expect(plan.next.slice(0, 5)).toEqual([
          'argocd, once this is merged: kubectl apply --server-side -f argocd/bootstrap.yaml',
          expect.stringMatching(
            /^argocd, then: kubectl annotate --overwrite application shop-kit .*syncResult.revisions.* has the merged commit$/,
          ),
          'argocd, then: kubectl delete application -n argocd acme-kit',
          `argocd, then: kubectl delete applicationset -n argocd ${all.join(' ')}`,
          'argocd, then: kubectl delete appproject -n argocd acme-dev acme-kit acme-lane-namespaces acme-operators acme-preview-namespaces acme-previews acme-production',
        ]);
      }
      if (change === 'removed')
        expect(plan.next.slice(0, 3)).toEqual([
          'Lane production, before you merge this: move sources/values/env/production to sources/values/env/prod in the same pull request',
          expect.stringContaining(`Lane production, once it is merged: ${ending}`),
          expect.stringMatching(
            /argocd app sync -l \S+\/lane=prod\. The workloads in acme-production keep running, as the lane prod$/,
          ),
        ]);
    }
    const exchanged = settings
      .replace('namespace: acme-production', 'namespace: acme-other')
      .replace('namespace: acme-dev', 'namespace: acme-production');
    await repo.write({ 'kit.yaml': exchanged });
    expect(await refusalOf(repo, { update: true, allowLaneRemoval: true })).toMatchObject({
      code: 'kit-lane-exchanged',
      exit: 2,
      why: expect.stringContaining(
        'lane dev would have acme-production on main, where the workloads of lane production run',
      ),
    });
    await repo.write({ 'kit.yaml': settings.replace('name: production', 'name: prod') });
    const { files } = await initKit(repo.root, { update: true, allowLaneRemoval: true });
    expect(files.filter(({ action }) => action === 'create' || action === 'delete')).toEqual([
      { path: 'argocd/applicationsets/lane-prod.yaml', action: 'create' },
      { path: 'argocd/applicationsets/lane-production.yaml', action: 'delete' },
      { path: 'sources/values/env/prod/globals.yaml', action: 'create' },
      { path: 'sources/values/env/production/globals.yaml', action: 'delete' },
    ]);
    // Values of components are the owner's.
    expect(await repo.read(Object.keys(values)[0] ?? '')).toBe('enabled: true\n');
  });

  test('another folder of charts comes into effect once they were moved there, with what was changed in them', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    const chart = 'charts/primitive-runtime/Chart.yaml';
    await repo.commit({ [`sources/${chart}`]: `# Ours\n${await repo.read(`sources/${chart}`)}` });
    const settings = await repo.read('kit.yaml');
    await repo.write({ 'kit.yaml': settings.replace('charts: sources/charts', 'charts: deploy/charts') });
    const before = await contentOf(repo.root, ['.git']);
    const refused = await refusalOf(repo, { update: true });
    expect(refused).toMatchObject({ code: 'kit-charts-moved', exit: 2 });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
    shell(repo, refused.suggestions[0]);
    repo.git('commit', '-qm', 'Move the charts');
    const newer = {
      version: '0.2.0',
      kit: () => kitWith('charts/primitive-runtime/Chart.yaml', (text) => `${text}# newer\n`),
    };
    const { files } = await initKit(repo.root, { update: true }, newer);
    expect(files.filter(({ path }) => /charts\//.test(path) && !path.endsWith(chart))).not.toContainEqual(
      expect.not.objectContaining({ action: 'unchanged' }),
    );
    expect(files).toContainEqual({ path: `deploy/${chart}`, action: 'merge' });
    expect(await repo.read(`deploy/${chart}`)).toMatch(/^# Ours\n.*\n# newer\n$/s);
  });

  test('a file that was removed here and changed by the kit stays away, with a warning', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    repo.git('add', '-A');
    repo.git('rm', '-qf', SCRIPT, '.github/workflows/gitops-gate.yaml');
    repo.git('commit', '-qm', 'Without the generator');
    const events: Event[] = [];
    const { files } = await initKit(
      repo.root,
      { update: true },
      {
        version: '0.2.0',
        kit: () => kitWith('scaffold/scaffold.mjs', (text) => `${text}// newer\n`),
        emit: (event) => void events.push(event),
      },
    );
    expect(files).toContainEqual({ path: SCRIPT, action: 'keep' });
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      {
        type: 'warning',
        code: 'kit-file-removed',
        message: `${SCRIPT} was removed here, and the kit has changed it: it is not written again.`,
      },
    ]);
  });

  test.each([RECORD, 'kit.yaml'])(
    '%s comes back as it is advised, also where HEAD has lost it',
    async (path) => {
      await using repo = await gitopsRepo();
      await initKit(repo.root);
      const whole = await repo.commit({});
      for (const isCommitted of [false, true]) {
        if (path === RECORD) await repo.write({ [path]: '{' });
        else await rm(join(repo.root, path));
        if (isCommitted) await repo.commit({});
        const [find, take] = (await refusalOf(repo, { update: true })).suggestions;
        expect(whole).toContain(shell(repo, find).trim().split('\n').at(-1)?.split(' ')[0]);
        shell(repo, take, { COMMIT: whole });
        if (isCommitted) await repo.commit({});
        expect((await initKit(repo.root, { update: true })).written).toBe(false);
      }
    },
  );

  test('changes that are not committed can be put aside as it is advised, without those of the settings', async () => {
    await using repo = await gitopsRepo();
    await initKit(repo.root);
    await repo.commit({});
    const settings = await repo.read('kit.yaml');
    await repo.write({
      'README.md': 'changed',
      new: '',
      'kit.yaml': settings.replace('label: preview', 'label: environment'),
    });
    const [putAside] = (await refusalOf(repo, { update: true })).suggestions;
    shell(repo, putAside);
    expect((await initKit(repo.root, { update: true })).written).toBe(true);
  });

  test('a link in the place of a file can be moved as it is advised', async () => {
    await using repo = await gitopsRepo();
    await repo.write({ 'kit.yaml': { link: 'README.md' } });
    const { code, suggestions } = await refusalOf(repo);
    expect(code).toBe('kit-path-blocked');
    shell(repo, suggestions[0], { ELSEWHERE: 'elsewhere' });
    await repo.commit({});
    expect((await initKit(repo.root)).written).toBe(true);
  });

  test.each<[string, Record<string, string>, Record<string, string>, object, object]>([
    [
      'in a code repository',
      { 'primitive.config.yaml': 'registry: ghcr.io/acme\n' },
      {},
      {},
      { code: 'kit-in-code-repository' },
    ],
    [
      'in a dirty tree',
      {},
      { 'README.md': 'changed\n', new: '' },
      {},
      { code: 'kit-tree-dirty', why: 'README.md: modified\nnew: untracked' },
    ],
    [
      'over another file',
      { '.github/workflows/gitops-gate.yaml': 'mine\n' },
      {},
      {},
      { code: 'kit-conflict', why: '.github/workflows/gitops-gate.yaml:1: the kit has another file there' },
    ],
    ['as an update of nothing', {}, {}, { update: true }, { code: 'kit-not-installed' }],
    [
      'with flags for a kit.yaml that is there',
      { 'kit.yaml': 'schema: primitive.kit/v1\n' },
      {},
      { registry: 'ghcr.io/x' },
      { code: 'kit-settings-exist' },
    ],
    [
      'with settings that are wrong',
      { 'kit.yaml': 'schema: primitive.kit/v1\nlane: []\n' },
      {},
      {},
      { code: 'kit-invalid' },
    ],
    ['over a record that is broken', { [RECORD]: '{}' }, {}, {}, { code: 'kit-record-invalid' }],
    [
      'over a record of no version',
      { [RECORD]: record('latest', {}) },
      {},
      { update: true },
      { code: 'kit-record-invalid', why: expect.stringContaining('"latest"') },
    ],
    [
      'over a record that leads out of the repository',
      { [RECORD]: record('0.1.0', { '../other/file': 'x' }) },
      {},
      { update: true },
      { code: 'kit-record-invalid', why: expect.stringContaining('it has a part ".."') },
    ],
    [
      'without the settings of the kit that is installed',
      { [RECORD]: record('0.1.0', {}) },
      {},
      { update: true },
      { code: 'kit-settings-missing' },
    ],
  ])('%s it is refused, and nothing changes', async (_, committed, written, request, error) => {
    await using repo = await gitopsRepo();
    if (Object.keys(committed).length > 0) await repo.commit(committed);
    await repo.write(written);
    const before = await contentOf(repo.root, ['.git']);
    await expect(initKit(repo.root, request)).rejects.toMatchObject({ exit: 2, ...error });
    expect(await contentOf(repo.root, ['.git'])).toEqual(before);
  });

  test('through a link it is refused', async () => {
    await using repo = await gitopsRepo();
    await repo.commit({ sources: { link: '/tmp' } as never });
    await expect(initKit(repo.root)).rejects.toMatchObject({ code: 'kit-path-blocked', exit: 2 });
  });

  test('outside of a repository, and below its root', async () => {
    await using repo = await gitopsRepo();
    await repo.commit({ 'a/b': '' });
    await expect(initKit(`${repo.root}/a`)).rejects.toMatchObject({
      code: 'init-not-at-root',
      exit: 2,
      suggestions: [`primitive -C ${repo.root} gitops init`],
    });
    await expect(initKit('/')).rejects.toMatchObject({ code: 'git-not-a-repository', exit: 2 });
  });
});
