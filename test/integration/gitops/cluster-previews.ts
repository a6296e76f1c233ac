import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Application,
  component,
  eventually,
  type GitopsCluster,
  GROUP,
  type KubeObject,
  kitOf,
  labKit,
  runJanitor,
  sendWebhook,
} from '../../support/gitops-cluster.ts';
import type { ArgoCd } from '../../support/services/argocd.ts';
import type { DoublePull } from '../../support/services/github/repository.ts';
import { startNodeless } from '../../support/services/nodeless.ts';
import type { Service } from '../../support/services/service.ts';

const ARGOCD = 'apis/argoproj.io/v1alpha1/namespaces/argocd';
const TRICKS = '{{ fail "title" }} {{ .Values }} $(id) ../../x';

/** Argo CD's own controllers make of pull requests what the kit says, and nothing else. */
export function previews(lab: () => GitopsCluster): void {
  let argocd: ArgoCd;
  let pull: DoublePull;
  let nodeless: Service;

  beforeAll(async () => {
    // What tests without controllers left.
    await lab().kube.kubectl(['delete', 'applications', '--all', '--all-namespaces']);
    await lab().kube.apply(lab().installed('argocd/bootstrap.yaml'));
    argocd = await lab().argocd();
    nodeless = await startNodeless(
      lab().kube,
      ({ name, namespace }) => name.endsWith('-database') && namespace === stuck,
    );
  });
  afterAll(() => nodeless?.stop());

  /** The namespace in which databases never get ready. */
  let stuck = '';

  /** Until no ApplicationSet has a refresh before it: Argo CD drops a webhook that comes meanwhile. */
  const settled = () =>
    eventually(async () => {
      const sets = await lab().kube.get<KubeObject>(`${ARGOCD}/applicationsets`);
      const marks = sets.flatMap(({ metadata }) => Object.keys(metadata.annotations ?? {}));
      expect(marks).not.toContain('argocd.argoproj.io/application-set-refresh');
    });
  const webhook = async (
    action: Parameters<typeof sendWebhook>[4],
    changed = pull,
    secret = argocd.webhookSecret,
    repository = lab().app,
  ) => {
    await settled();
    return sendWebhook(lab(), repository, argocd, secret, action, changed);
  };
  /** Applications with a label of the kit's, by name. */
  const applications = async (label: string): Promise<Record<string, Application>> => {
    const found = await lab().kube.get<Application>(`${ARGOCD}/applications?labelSelector=${GROUP}/${label}`);
    return Object.fromEntries(found.map((one) => [one.metadata.name, one]));
  };
  /** Deployments, Services and Processes in a namespace, in that order. */
  const resources = async (namespace: string) => {
    const paths = [`apis/apps/v1 deployments`, `api/v1 services`, `apis/${GROUP}/v1alpha1 processes`];
    const lists = paths.map((path) => lab().kube.get<object>(path.replace(' ', `/namespaces/${namespace}/`)));
    return (await Promise.all(lists)).flat();
  };
  const ofPull = (number: number) => [
    `pr-${number}`,
    `pr-${number}-domain-orders-v1`,
    `pr-${number}-process-billing-v1`,
  ];
  const expectPreviews = (...numbers: readonly number[]) =>
    eventually(async () =>
      expect(Object.keys(await applications('pull-request')).sort()).toEqual(numbers.flatMap(ofPull).sort()),
    );
  const head = async (branch = 'feature') => (await lab().app.commitOf(branch)) ?? '';
  const expectImages = (sha: string) =>
    eventually(async () => {
      const found = await applications('pull-request');
      for (const image of ['domain-orders', 'process-billing']) {
        expect(found[`pr-${pull.number}-${image}-v1`]?.spec.source.helm.valuesObject).toEqual({
          enabled: true,
          imagePolicy: { requireDigest: false, allowed: ['ghcr.io/acme/', 'docker.io/library/postgres'] },
          image: { ref: `ghcr.io/acme/${image}:${sha}` },
          database: { image: expect.stringMatching(/^docker\.io\/library\/postgres:17\.6@sha256:/) },
          url: {
            host: `${image}-v1-${pull.number}.previews.acme.example`,
            kinds: ['uisurface'],
            class: '',
          },
        });
      }
    });
  const expectSynced = (names: readonly string[]) =>
    eventually(async () => {
      const found = await lab().kube.get<Application>(`${ARGOCD}/applications`);
      const synced = found.filter(({ status }) => status?.sync?.status === 'Synced');
      expect(synced.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...names]));
    });

  it('installs itself from one file', () => expectSynced(['acme-kit']));

  it('finds every component once for each lane, with values in the order of the kit', async () => {
    const names = ['dev', 'staging'].flatMap((lane) =>
      ['domain-orders-v1', 'process-billing-v1'].map((name) => `${lane}-${name}`),
    );
    const found = await eventually(async () => {
      const all = await applications('lane');
      expect(Object.keys(all).sort()).toEqual(names);
      return all;
    });
    const source = (chart: string, suffix: string, first: readonly string[] = []) => ({
      repoURL: `${lab().github.web}/acme/gitops.git`,
      targetRevision: 'main',
      path: `sources/charts/${chart}`,
      helm: {
        releaseName: `domain-orders-v1${suffix}`,
        ignoreMissingValueFiles: true,
        valueFiles: [
          ...first,
          '/sources/values/base/globals.yaml',
          '/sources/values/cluster/main/globals.yaml',
          '/sources/values/env/dev/globals.yaml',
          `/sources/values/_shared/apps/domain-orders-v1${suffix}.yaml`,
          '/sources/values/base/off.yaml',
          `/sources/values/env/dev/apps/domain-orders-v1${suffix}.yaml`,
        ],
        valuesObject: { imagePolicy: { requireDigest: true, allowed: ['ghcr.io/acme/'] } },
      },
    });
    expect(found['dev-domain-orders-v1']?.spec).toMatchObject({
      project: 'acme-dev',
      sources: [
        source('db-migrations', '-migrations'),
        source('primitive-runtime', '', ['/sources/values/_kinds/domain.yaml']),
        source('smoke-jobs', '-smoke'),
      ],
      destination: { server: 'https://kubernetes.default.svc', namespace: 'acme-dev' },
    });
  });

  it('makes previews of labelled pull requests from the repository itself, and of no other', async () => {
    const { app, github } = lab();
    const labels = ['preview'];
    await app.commit('unlabelled', { a: '1' });
    app.open('unlabelled');
    await app.commit('other-label', { a: '1' });
    app.open('other-label', { labels: ['Preview', 'preview-later'] });
    await app.commit('stacked', { a: '1' });
    app.open('stacked', { labels, base: 'other-label' });
    // git allows such names; the title alone decides nothing, the branch is refused.
    await app.commit('{{.head_sha}}-$(id)', { a: '2' });
    app.open('{{.head_sha}}-$(id)', { labels, title: TRICKS });
    await app.commit('feature', { a: '3' });
    const fork = await github.fork(app, 'mallory/app');
    await fork.commit('evil', { a: '4' });
    app.open('evil', { labels, from: 'mallory/app' });
    // A branch of that name is in the repository, too, with another commit.
    await fork.commit('unlabelled', { a: '5' });
    app.open('unlabelled', { labels, from: 'mallory/app' });
    pull = app.open('feature', { labels, title: TRICKS, author: 'mallory' });

    expect(await webhook('labeled')).toBe(200);
    await expectPreviews(pull.number);
    await expectImages(await head());
    const found = await applications('pull-request');
    const namespace = `pr-${pull.number}-acme`;
    const [lane, orders] = ofPull(pull.number).map((name) => found[name]);
    expect(lane).toMatchObject({
      metadata: { labels: { [`${GROUP}/pull-request`]: `${pull.number}` } },
      spec: {
        project: 'acme-preview-namespaces',
        source: {
          path: 'argocd/preview-namespace',
          helm: { valuesObject: { pullRequest: `${pull.number}` } },
        },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: { automated: { selfHeal: true } },
      },
    });
    expect(lane?.metadata.finalizers).toBeUndefined();
    expect(orders).toMatchObject({
      metadata: { finalizers: ['resources-finalizer.argocd.argoproj.io/background'] },
      spec: {
        project: 'acme-previews',
        source: { targetRevision: 'main', path: 'sources/charts/primitive-runtime' },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
      },
    });
    // Nothing of the title, the branch or the author is anywhere.
    const written = Object.values(found).map(({ metadata, spec }) => [metadata, spec]);
    expect(JSON.stringify(written)).not.toMatch(/mallory|fail|feature/);
  });

  it('syncs the namespace and what is in it, and leaves lanes empty where nothing is enabled', async () => {
    const { kube } = lab();
    await expectSynced(ofPull(pull.number));
    const namespace = `pr-${pull.number}-acme`;
    const [made] = await kube.get<KubeObject>(
      `api/v1/namespaces?labelSelector=${GROUP}/pull-request=${pull.number}`,
    );
    expect(made?.metadata).toMatchObject({
      name: namespace,
      labels: {
        'app.kubernetes.io/managed-by': 'primitive-previews',
        'pod-security.kubernetes.io/enforce': 'baseline',
      },
    });
    const container = {
      image: `ghcr.io/acme/domain-orders:${await head()}`,
      imagePullPolicy: 'IfNotPresent',
    };
    const postgres = { image: expect.stringMatching(/^docker\.io\/library\/postgres:17\.6@sha256:/) };
    expect(await resources(namespace)).toMatchObject([
      { kind: 'Deployment', spec: { template: { spec: { containers: [container] } } } },
      { kind: 'Deployment', spec: { template: { spec: { containers: [postgres] } } } },
      { kind: 'Deployment', spec: { template: { spec: { containers: [container] } } } },
      { kind: 'Service' },
      { kind: 'Service' },
      {
        kind: 'Process',
        spec: { image: `ghcr.io/acme/process-billing:${await head()}`, imagePullPolicy: 'IfNotPresent' },
      },
    ]);
    await expectSynced(['namespace.dev', 'dev-domain-orders-v1', 'staging-process-billing-v1']);
    expect(await resources('acme-dev')).toEqual([]);
  });

  /** The Secrets in the namespace of the pull request: what Argo CD would make anew each time that it renders them. */
  const secrets = async () => {
    const found = await lab().kube.get<KubeObject & { data: Record<string, string> }>(
      `api/v1/namespaces/pr-${pull.number}-acme/secrets`,
    );
    return Object.fromEntries(found.map(({ metadata, data }) => [metadata.name, data]));
  };

  it('gives a preview a quota, a token of its own, and a database with a password of its own', async () => {
    const { kube } = lab();
    const namespace = `pr-${pull.number}-acme`;
    const hard = { pods: '100', 'requests.cpu': '8', 'requests.memory': '16Gi' };
    expect(await kube.get(`api/v1/namespaces/${namespace}/resourcequotas`)).toMatchObject([
      { spec: { hard } },
    ]);
    expect(await kube.get(`api/v1/namespaces/${namespace}/limitranges`)).toHaveLength(1);
    const { preview, 'domain-orders-v1-database': database, ...others } = await secrets();
    expect(others).toEqual({});
    const text = (value = '') => Buffer.from(value, 'base64').toString();
    expect(text(preview?.token)).toMatch(/^[A-Za-z0-9]{40}$/);
    const password = text(database?.password);
    expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(text(database?.url)).toBe(
      `postgres://preview:${password}@domain-orders-v1-database:5432/postgres`,
    );
    const [serve] = await kube.get<object>(`apis/apps/v1/namespaces/${namespace}/deployments`);
    const secretKeyRef = { name: 'domain-orders-v1-database', key: 'url' };
    expect(serve).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              {
                env: expect.arrayContaining([{ name: 'DATABASE_URL', valueFrom: { secretKeyRef } }]),
              },
            ],
          },
        },
      },
    });
  });

  it('makes previews of another code repository, of its components alone, beside one of the same number', async () => {
    const { web, kube, gitops } = lab();
    const name = 'uisurface-shop-v1';
    const own = component(name, 'uisurface', '', 'acme/web');
    await gitops.commit('main', own);
    const open = async (branch: string, labels: readonly string[]) => {
      await web.commit(branch, { a: branch });
      return web.open(branch, { labels: [...labels] });
    };
    for (let number = 1; number < pull.number; number++) await open(`other-${number}`, []);
    const twin = await open('feature', ['preview']);
    expect(twin.number).toBe(pull.number);
    const opened = () => webhook('opened', twin, argocd.webhookSecret, web);
    expect(await opened()).toBe(200);
    const names = [`pr-${twin.number}.web`, `pr-${twin.number}.web.${name}`];
    await expectSynced(names);
    const found = Object.keys(await applications('pull-request')).sort();
    expect(found).toEqual([...ofPull(pull.number), ...names]);
    const namespace = `pr-${twin.number}-web-acme`;
    const [made] = await kube.get<KubeObject>(`api/v1/namespaces?labelSelector=${GROUP}/source=web`);
    expect(made?.metadata.name).toBe(namespace);
    const image = `ghcr.io/acme/uisurface-shop:${await web.commitOf('feature')}`;
    expect(await resources(namespace)).toMatchObject([
      { kind: 'Deployment', spec: { template: { spec: { containers: [{ image }] } } } },
      { kind: 'Service' },
    ]);
    expect(await kube.get(`apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`)).toMatchObject([
      { spec: { rules: [{ host: `${name}-${twin.number}.previews.acme.example` }] } },
    ]);
    web.close(twin.number);
    await webhook('closed', twin, argocd.webhookSecret, web);
    await expectPreviews(pull.number);
    expect(await resources(namespace)).toEqual([]);
    await runJanitor(lab());
    const { stdout } = await runJanitor(lab());
    expect(stdout).toContain(`${namespace} deleted: unused since`);
    expect(stdout).toMatch(new RegExp(`^pr-${pull.number}-acme kept: `, 'm'));
    await gitops.commit('main', Object.fromEntries(Object.keys(own).map((path) => [path, null])));
  });

  it('holds Applications of previews to namespaces, repositories and kinds', async () => {
    const { kube } = lab();
    const spec = (await applications('component'))[`pr-${pull.number}-domain-orders-v1`]?.spec;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sly' } };
    const helm = { valuesObject: { enabled: true, manifests: [object] } };
    const others = {
      namespace: { ...spec, destination: { ...spec?.destination, namespace: 'argocd' } },
      cluster: { ...spec, destination: { ...spec?.destination, server: 'https://other.example' } },
      repository: { ...spec, source: { repoURL: 'https://git.example/other.git', path: '.' } },
      kind: { ...spec, source: { ...spec?.source, path: 'sources/charts/raw-manifests', helm } },
    };
    const objects = Object.entries(others).map(([what, changed]) => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: `other-${what}`, namespace: 'argocd' },
      spec: changed,
    }));
    await kube.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    await eventually(async () => {
      const found = await kube.get<Application>(`${ARGOCD}/applications`);
      const said = (what: string) => {
        const status = found.find(({ metadata }) => metadata.name === `other-${what}`)?.status;
        return JSON.stringify([status?.conditions, status?.operationState?.syncResult?.resources]);
      };
      expect(said('namespace')).toMatch(/do not match any of the allowed destinations/);
      expect(said('cluster')).toMatch(/InvalidSpecError/);
      expect(said('repository')).toMatch(/is not permitted in project/);
      expect(said('kind')).toMatch(/ConfigMap is not permitted in project acme-previews/);
    });
    const left = await kube.get<KubeObject>(`api/v1/namespaces/pr-${pull.number}-acme/configmaps`);
    expect(left.map(({ metadata }) => metadata.name)).not.toContain('sly');
    await kube.kubectl([
      'delete',
      'applications',
      '-n',
      'argocd',
      ...objects.map(({ metadata }) => metadata.name),
    ]);
  });

  it('follows a push by the webhook, if it is signed', async () => {
    const { app, kube } = lab();
    const before = await secrets();
    await app.commit('feature', { a: '6' });
    expect(await webhook('synchronize', pull, 'guessed')).toBe(400);
    expect(await webhook('synchronize')).toBe(200);
    await expectImages(await head());
    await eventually(async () => {
      const [orders] = await kube.get(`apis/apps/v1/namespaces/pr-${pull.number}-acme/deployments`);
      expect(JSON.stringify(orders)).toContain(`ghcr.io/acme/domain-orders:${await head()}`);
    });
    // A password that changed would be another than that of the database.
    await expectSynced(ofPull(pull.number));
    expect(await secrets()).toEqual(before);
  });

  it('ends with its pull request though its database never gets ready', async () => {
    const { app, kube } = lab();
    await app.commit('stuck', { a: 'stuck' });
    // The number that comes next.
    const number = app.pulls.length + 1;
    stuck = `pr-${number}-acme`;
    const hung = app.open('stuck', { labels: ['preview'] });
    expect(hung.number).toBe(number);
    await webhook('opened', hung);
    const operation = async () =>
      (await applications('pull-request'))[`pr-${number}-domain-orders-v1`]?.status?.operationState;
    await eventually(async () => expect((await operation())?.message).toMatch(/waiting for healthy state/));
    app.close(number);
    await webhook('closed', hung);
    // Argo CD takes nothing away while it syncs: the sync has to fail.
    await expectPreviews(pull.number);
    expect(await resources(stuck)).toEqual([]);
    stuck = '';
    await kube.kubectl(['delete', 'namespace', `pr-${number}-acme`, '--wait=false']);
  });

  /** What `preview-components` says it fails with. */
  const failure = () =>
    eventually(async () => {
      const [set] = await lab().kube.get<{
        status: { conditions: { type: string; status: string; message: string }[] };
      }>(`${ARGOCD}/applicationsets?fieldSelector=metadata.name=acme-preview-components`);
      const error = set?.status.conditions.find(({ type }) => type === 'ErrorOccurred');
      expect(error?.status).toBe('True');
      return error?.message;
    });
  const expectComponents = async (...names: readonly string[]) => {
    const found = Object.keys(await applications('component'));
    expect(found.filter((name) => name.startsWith('pr-')).sort()).toEqual(names);
  };
  /** After an error Argo CD waits three minutes, unless the ApplicationSet is changed. */
  const touch = () =>
    lab().kube.kubectl([
      ...['annotate', 'applicationsets', '--all', '-n', 'argocd', '--overwrite'],
      `touched=${crypto.randomUUID()}`,
    ]);

  it('changes nothing when a template expects a key that a component lacks', async () => {
    const { app, gitops } = lab();
    const path = 'environments/_shared/components/apps/primitives/agent-broken-v1/component.yaml';
    await gitops.commit('main', { [path]: 'name: agent-broken-v1\narea: apps\nimage: agent-broken\n' });
    await app.commit('second', { a: '7' });
    const second = app.open('second', { labels: ['preview'] });
    await webhook('opened', second);
    expect(await failure()).toContain('map has no entry for key "chart"');
    await eventually(async () => {
      const found = await lab().kube.get<Application>(`${ARGOCD}/applications`);
      const kit = found.find(({ metadata }) => metadata.name === 'acme-kit');
      expect(kit?.status?.health?.status).toBe('Degraded');
    });
    await expectComponents(...ofPull(pull.number).slice(1));
    await gitops.commit('main', { [path]: null });
    await touch();
    await expectPreviews(pull.number, second.number);
    second.labels = [];
    await webhook('unlabeled', second);
    await expectPreviews(pull.number);
  });

  it('changes nothing when a fork proposes the same branch and commit, with the label', async () => {
    const { app, github } = lab();
    await github.fork(app, 'eve/app');
    const twin = app.open('feature', { from: 'eve/app', labels: ['preview'] });
    await webhook('opened', twin);
    expect(await failure()).toContain('not unique by the given mergeKeys');
    await expectComponents(...ofPull(pull.number).slice(1));
    twin.labels = [];
    await touch();
    await settled();
    await expectPreviews(pull.number);
  });

  it('follows a push without the webhook, by polling, and makes the preview anew if a list of GitHub lags', async () => {
    const { app, gitops, github, installed, kube } = lab();
    const sets = ['preview-components', 'preview-namespaces'];
    const paths = sets.map((name) => `argocd/applicationsets/${name}.yaml`);
    const poll = /requeueAfterSeconds: 300/g;
    const often = paths.map(
      (path) => [path, installed(path).replace(poll, 'requeueAfterSeconds: 2')] as const,
    );
    await gitops.commit('main', Object.fromEntries(often));
    const kit = ['application', 'acme-kit', '-n', 'argocd', 'argocd.argoproj.io/refresh=normal'];
    await kube.kubectl(['annotate', ...kit]);
    await eventually(async () => {
      const found = await kube.get<object>(`${ARGOCD}/applicationsets`);
      expect(JSON.stringify(found).match(/"requeueAfterSeconds":2\b/g)).toHaveLength(4);
    });
    await app.commit('feature', { a: '8' });
    await expectImages(await head());
    // GitHub's list of branches may be older than that of pull requests for a while: then the preview is not in both.
    const uid = async () =>
      (await applications('pull-request'))[`pr-${pull.number}-domain-orders-v1`]?.metadata.uid;
    const before = await uid();
    const older = await fetch(`${github.api}/repos/${app.name}/branches`, {
      headers: { authorization: `Bearer ${github.token().value}` },
    });
    const path = new RegExp(`^/repos/${app.name}/branches(\\?|$)`);
    github.fault({ path, times: 40, status: 200, body: await older.json() });
    await app.commit('feature', { a: '8a' });
    await eventually(async () => expect(await uid()).not.toBe(before));
    await expectImages(await head());
  });

  it('sees pull requests as a GitHub App, too', async () => {
    const { app, gitops, github, kube } = lab();
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
    github.app({ id: '77', installation: '770', key: key.publicKey });
    const stringData = {
      type: 'git',
      url: `${github.web}/acme`,
      githubAppID: '77',
      githubAppInstallationID: '770',
      githubAppPrivateKey: `${key.privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
    };
    const labels = { 'argocd.argoproj.io/secret-type': 'repo-creds' };
    const metadata = { name: 'previews-app', namespace: 'argocd', labels };
    await kube.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData }));
    const files = await labKit(kitOf(github, '  app: previews-app\n'));
    const sets = [...files].filter(([path]) => path.startsWith('argocd/applicationsets/preview-'));
    expect(sets).toHaveLength(4);
    await gitops.commit('main', Object.fromEntries(sets));
    const kit = ['application', 'acme-kit', '-n', 'argocd', 'argocd.argoproj.io/refresh=normal'];
    await kube.kubectl(['annotate', ...kit, '--overwrite']);
    await eventually(async () =>
      expect(JSON.stringify(await kube.get(`${ARGOCD}/applicationsets`))).not.toContain(
        'preview-github-token',
      ),
    );
    await app.commit('by-app', { a: '9' });
    const third = app.open('by-app', { labels: ['preview'] });
    await touch();
    await expectPreviews(pull.number, third.number);
    app.close(third.number);
    const before = sets.map(([path]) => [path, lab().installed(path)] as const);
    await gitops.commit('main', Object.fromEntries(before));
    await kube.kubectl(['annotate', ...kit, '--overwrite']);
    await expectPreviews(pull.number);
    await eventually(async () =>
      expect(JSON.stringify(await kube.get(`${ARGOCD}/applicationsets`))).not.toContain('previews-app'),
    );
  });

  it('removes what a closed pull request had, but the namespace', async () => {
    const { app, kube } = lab();
    const namespace = `pr-${pull.number}-acme`;
    app.close(pull.number);
    await webhook('closed');
    await expectPreviews();
    expect(await resources(namespace)).toEqual([]);
    const [left] = await kube.get<KubeObject>(
      `api/v1/namespaces?labelSelector=${GROUP}/pull-request=${pull.number}`,
    );
    expect(left?.metadata).toMatchObject({ name: namespace });
    expect(left?.metadata.deletionTimestamp).toBeUndefined();
    expect((await runJanitor(lab())).stdout).toContain(`${namespace} marked: unused`);
    expect((await runJanitor(lab())).stdout).toContain(`${namespace} deleted: unused since`);
  });
}
