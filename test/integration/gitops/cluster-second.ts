import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Application,
  component,
  eventually,
  type GitopsCluster,
  GROUP,
  janitorCommand,
  janitorEnvironment,
  type KubeObject,
  kitOf,
  labKit,
  SETTINGS,
} from '../../support/gitops-cluster.ts';
import { type Kube, startKube } from '../../support/services/kube.ts';
import { startNodeless } from '../../support/services/nodeless.ts';
import { attempt } from '../../support/services/run.ts';
import type { Service } from '../../support/services/service.ts';

const ARGOCD = 'apis/argoproj.io/v1alpha1/namespaces/argocd';
const NAME = 'process-billing-v1';
const REF = `ghcr.io/acme/process-billing@sha256:${'1'.repeat(64)}`;

const LANES = `
  - { name: far, cluster: edge, namespace: acme-far, digest: true }
  - { name: slow, cluster: main, namespace: acme-slow, digest: true, sync: manual }
  - name: shut
    cluster: main
    namespace: acme-shut
    digest: true
    windows: [{ kind: deny, schedule: "* * * * *", duration: 1h, timeZone: Europe/Paris }]`;

/** A cluster that is not Argo CD's own gets custom resources, a lane, previews, and the account of the janitor. */
export function second(lab: () => GitopsCluster): void {
  let edge: Kube;
  let nodeless: Service | undefined;
  let text = '';

  beforeAll(async () => {
    edge = await startKube();
    // Argo CD ends an Application only when no sync of it runs, and one of a preview waits for its database.
    nodeless = await startNodeless(edge);
    const { kube, gitops, github } = lab();
    const { token } = JSON.parse(await readFile(edge.kubeconfig, 'utf8')).users[0].user;
    const caData = (await readFile(edge.caFile)).toString('base64');
    const metadata = {
      name: 'edge',
      namespace: 'argocd',
      labels: { 'argocd.argoproj.io/secret-type': 'cluster' },
    };
    const stringData = {
      name: 'edge',
      server: `https://${edge.address.host}:${edge.address.port}`,
      config: JSON.stringify({ bearerToken: token, tlsClientConfig: { caData } }),
    };
    await kube.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData }));
    text = kitOf(github)
      // As the tests of operations left it.
      .replace('name: dev,', 'name: develop,')
      .replace('\nlanes:\n', '\n  - { name: edge, destination: edge }\nlanes:\n')
      .replace('\nsources:', `${LANES}\nsources:`)
      .replace('  cluster: main\n  api', '  cluster: edge\n  api');
    const files = await labKit(text);
    await gitops.commit('main', {
      ...Object.fromEntries(files),
      ...component(NAME, 'process', 'runtime: operator\n'),
      ...Object.fromEntries(
        ['far', 'slow', 'shut'].map((lane) => [
          `sources/values/env/${lane}/apps/${NAME}.yaml`,
          JSON.stringify({ enabled: true, image: { ref: REF }, ...SETTINGS.process }),
        ]),
      ),
    });
    await kube.apply(files.get('argocd/bootstrap.yaml') ?? '');
    await kube.kubectl([
      ...['annotate', 'application', 'acme-kit', '-n', 'argocd', '--overwrite'],
      'argocd.argoproj.io/refresh=normal',
    ]);
  });
  afterAll(async () => {
    await nodeless?.stop();
    await edge?.stop();
  });

  const application = async (name: string) => {
    const all = await lab().kube.get<Application>(`${ARGOCD}/applications`);
    return all.find(({ metadata }) => metadata.name === name);
  };
  const namespaces = async () => {
    const all = await edge.get<KubeObject>('api/v1/namespaces');
    return all
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  };

  it('has the custom resources, and runs a lane with them', async () => {
    await eventually(async () => {
      expect((await application('acme-kit.edge'))?.status?.sync?.status).toBe('Synced');
      expect((await application(`far-${NAME}`))?.status?.sync?.status).toBe('Synced');
    });
    expect(await edge.get(`apis/${GROUP}/v1alpha1/namespaces/acme-far/processes`)).toMatchObject([
      { metadata: { name: NAME }, spec: { image: REF } },
    ]);
  });

  it('leaves a lane alone that is synced by hand, and one whose window is shut', async () => {
    await eventually(async () => {
      for (const lane of ['slow', 'shut'])
        expect((await application(`${lane}-${NAME}`))?.status?.sync?.status).toBe('OutOfSync');
    });
    const sync = (lane: string) =>
      lab().kube.kubectl([
        ...['patch', 'application', `${lane}-${NAME}`, '-n', 'argocd', '--type=merge', '-p'],
        JSON.stringify({ operation: { initiatedBy: { username: 'alice' }, sync: {} } }),
      ]);
    await sync('slow');
    await sync('shut');
    await eventually(async () => {
      expect((await application(`slow-${NAME}`))?.status?.sync?.status).toBe('Synced');
    });
    const { status } = (await application(`shut-${NAME}`)) ?? {};
    expect(status?.sync?.status).toBe('OutOfSync');
    expect(status?.operationState?.phase).not.toBe('Succeeded');
  });

  it('has previews, and the janitor beside Argo CD deletes their namespaces there, and nothing else', async () => {
    const { app, gitops, kube, folder } = lab();
    await app.commit('far-away', { a: 'far' });
    const pull = app.open('far-away', { labels: ['preview'] });
    const namespace = `pr-${pull.number}-acme`;
    const touch = () =>
      kube.kubectl([
        ...['annotate', 'applicationsets', '--all', '-n', 'argocd', '--overwrite'],
        `touched=${crypto.randomUUID()}`,
      ]);
    await touch();
    await eventually(async () => expect(await namespaces()).toContain(namespace));
    const account = join(folder, 'edge');
    await mkdir(account);
    const janitor = () =>
      attempt(process.execPath, janitorCommand(lab(), `--cluster=${account}`), {
        env: janitorEnvironment(lab()),
      });
    // Without the token of its account: a pod has it by a volume, which it waits for.
    expect((await janitor()).code).toBe(1);
    expect(await namespaces()).toContain(namespace);
    const volume = (await gitops.file('argocd/janitor/templates/janitor.yaml')) ?? '';
    expect(volume).toMatch(/secret: \{ secretName: preview-janitor-edge \}$/m);
    const token = (await edge.kubectl(['create', 'token', 'preview-janitor', '--namespace=acme-kit'])).trim();
    await writeFile(join(account, 'token'), token);
    await writeFile(join(account, 'server'), `https://${edge.address.host}:${edge.address.port}`);
    await writeFile(join(account, 'ca.crt'), await readFile(edge.caFile));
    const clean = async () => {
      const { code, stdout, stderr } = await janitor();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    };
    expect(await clean()).toContain(`${namespace} kept: argocd/pr-${pull.number}`);
    app.close(pull.number);
    await touch();
    await eventually(async () => {
      const left = await kube.get<KubeObject>(`${ARGOCD}/applications?labelSelector=${GROUP}/pull-request`);
      expect(left.map(({ metadata }) => metadata.name)).toEqual([]);
    });
    expect(await clean()).toContain(`${namespace} marked: unused`);
    expect(await clean()).toContain(`${namespace} deleted: unused since`);
    expect(await namespaces()).not.toContain(namespace);
    expect(await namespaces()).toContain('acme-far');
    for (const args of [
      ['delete', 'namespace', 'acme-far'],
      ['get', 'secrets', '--all-namespaces'],
    ])
      expect(await edge.attempt([...args, `--token=${token}`])).toMatchObject({ code: 1 });
  });

  it('loses a lane that is moved to another cluster, and nothing that runs of it', async () => {
    const { kube, gitops } = lab();
    const path = `apis/${GROUP}/v1alpha1/namespaces/acme-far/processes`;
    const before = await edge.get<KubeObject>(path);
    expect(before.map(({ metadata }) => metadata.name)).toEqual([NAME]);
    const files = await labKit(text.replace('name: far, cluster: edge', 'name: far, cluster: main'));
    await gitops.commit('main', Object.fromEntries(files));
    await kube.kubectl([
      ...['annotate', 'application', 'acme-kit', '-n', 'argocd', '--overwrite'],
      'argocd.argoproj.io/refresh=normal',
    ]);
    await eventually(async () => {
      const { spec, status } = (await application(`far-${NAME}`)) ?? {};
      expect(spec?.destination.server).toBe('https://kubernetes.default.svc');
      expect(status?.sync?.status).toBe('Synced');
      expect(await kube.get(path)).toMatchObject([{ metadata: { name: NAME }, spec: { image: REF } }]);
    });
    const left = await edge.get<KubeObject>(path);
    expect(left.map(({ metadata }) => [metadata.uid, metadata.deletionTimestamp])).toEqual(
      before.map(({ metadata }) => [metadata.uid, undefined]),
    );
  });
}
