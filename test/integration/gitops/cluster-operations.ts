import { expect, it } from 'vitest';
import {
  component,
  eventually,
  type GitopsCluster,
  GROUP,
  type KubeObject,
  kitOf,
  labKit,
  SETTINGS,
} from '../../support/gitops-cluster.ts';
import { NAMESPACE, operatorOf, ref, values, withControllers } from '../../support/gitops-operator.ts';
import { takenNames } from './cluster-manifests.ts';

const ARGOCD = 'apis/argoproj.io/v1alpha1/namespaces/argocd';
/** What an operator does on Argo CD's own controllers. Nothing runs: a double says of Jobs and Deployments how they ended. */
export function operations(lab: () => GitopsCluster): void {
  withControllers(lab);

  const { applications, application, merge, objects, hooks, finished } = operatorOf(lab);
  const shop = (digit: string, more: object = {}) =>
    JSON.stringify({ enabled: true, image: { ref: ref('domain-shop', digit) }, ...SETTINGS.domain, ...more });

  it('deploys what a lane enables, the migration before it, and takes all of it away again', async () => {
    const name = 'domain-shop-v1';
    await merge({ ...component(name, 'domain'), [values('dev', name)]: shop('1') });
    await eventually(async () => {
      expect((await application(`dev-${name}`)).status).toMatchObject({
        sync: { status: 'Synced' },
        health: { status: 'Healthy' },
      });
      // Before the change is seen, the component that is disabled is synced and healthy, too.
      expect(await hooks(`dev-${name}`)).toEqual({ [`${name}-migrate`]: 'Succeeded' });
    });
    // A Job that has succeeded is deleted, which may take longer than the sync.
    await eventually(async () =>
      expect(await objects(name)).toEqual([
        `Deployment ${name}`,
        `Deployment ${name}-dispatch`,
        `Service ${name}`,
        `ServiceAccount ${name}`,
      ]),
    );
    await merge({ [values('dev', name)]: 'enabled: false\n' });
    await eventually(async () => {
      expect(await objects(name)).toEqual([]);
      expect((await application(`dev-${name}`)).status?.sync?.status).toBe('Synced');
    });
  });

  it('deploys the policies by which images are admitted, and takes back what is changed in them', async () => {
    const policy = 'imagevalidatingpolicies.policies.kyverno.io';
    const actions = async (lane: string) =>
      lab().kube.kubectl(['get', policy, `acme-${lane}`, '-o', 'jsonpath={.spec.validationActions}']);
    await eventually(async () => {
      for (const lane of ['dev', 'staging', 'previews']) {
        const { status } = await application(`admission.${lane}`);
        expect(status?.sync?.status, JSON.stringify(status)).toBe('Synced');
        expect(await actions(lane)).toBe('["Deny"]');
      }
    });
    await lab().kube.kubectl([
      ...['patch', policy, 'acme-dev', '--type', 'merge'],
      ...['-p', '{"spec":{"validationActions":["Audit"]}}'],
    ]);
    expect(await actions('dev')).toBe('["Audit"]');
    await eventually(async () => expect(await actions('dev')).toBe('["Deny"]'));
  });

  it('finds no name taken by others where only the kit is installed', async () => {
    const { kube, folder } = lab();
    const kitJson = lab().installed('.github/primitive/kit.json');
    expect(await takenNames(kube, folder, kitJson)).toEqual({ code: 0, taken: [] });
  });

  it('runs the smoke test of a component, again when the component changes, and when only the test does', async () => {
    const name = 'domain-shop-v1';
    const smoke = values('dev', `${name}-smoke`);
    const jobs = (path: string, image = 'smoke') =>
      JSON.stringify({
        enabled: true,
        image: { ref: ref(image) },
        jobs: [{ name: 'ready', command: ['wget', `http://${name}:8080${path}`] }],
      });
    const job = `${name}-smoke-ready`;
    const ran = async (before: string | undefined, phase = 'Succeeded') =>
      eventually(async () => {
        const operation = await finished(`dev-${name}`);
        expect(operation?.finishedAt).not.toBe(before);
        expect(operation?.phase).not.toBe('Running');
        expect(await hooks(`dev-${name}`)).toMatchObject({ [job]: phase });
        return operation?.finishedAt;
      });
    await merge({ [values('dev', name)]: shop('1'), [smoke]: jobs('/readyz') });
    const first = await ran(undefined);
    expect(await hooks(`dev-${name}`)).toEqual({ [job]: 'Succeeded', [`${name}-migrate`]: 'Succeeded' });
    await merge({ [values('dev', name)]: shop('2') });
    const second = await ran(first);
    expect(await hooks(`dev-${name}`)).toEqual({ [job]: 'Succeeded', [`${name}-migrate`]: 'Succeeded' });
    await merge({ [smoke]: jobs('/livez') });
    const third = await ran(second);
    // One that fails is said, and stays for who looks for the reason.
    await merge({ [smoke]: jobs('/livez', 'fails') });
    await ran(third, 'Failed');
    expect((await finished(`dev-${name}`))?.phase).toBe('Failed');
    expect(await objects(name)).toContain(`Job ${job}`);
    await merge({ [smoke]: 'enabled: false\n' });
    await eventually(async () =>
      expect((await application(`dev-${name}`)).status?.sync?.status).toBe('Synced'),
    );
  });

  it('holds a component back until its migration has succeeded', async () => {
    const name = 'projection-shop-v1';
    const own = {
      env: { ACCEPT_CALLERS: 'anyone:acme', ACCEPT_EVENTS: 'anyone:acme' },
      secrets: { DATABASE_URL: { name: 'shop', key: 'url' } },
    };
    const text = (image: string) => JSON.stringify({ enabled: true, image: { ref: ref(image) }, ...own });
    await merge({ ...component(name, 'projection'), [values('dev', name)]: text('fails') });
    await eventually(async () => {
      expect((await application(`dev-${name}`)).status?.operationState?.phase).toBe('Failed');
    });
    expect(await objects(name)).toEqual([`Job ${name}-migrate`, `ServiceAccount ${name}`]);
    await merge({ [values('dev', name)]: text('projection-shop') });
    await eventually(async () => expect(await objects(name)).toContain(`Deployment ${name}`));
    await merge({ [values('dev', name)]: 'enabled: false\n' });
    await eventually(async () => expect(await objects(name)).toEqual([]));
  });

  it('deploys the last of several bumps at once, rolls back, and runs two versions side by side', async () => {
    const [one, two] = ['domain-shop-v1', 'domain-shop-v2'];
    const images = async (name: string) => {
      const all = await lab().kube.get<KubeObject>(`apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
      const own = all.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === name);
      return [...new Set(JSON.stringify(own).match(/sha256:[0-9]{64}/g) ?? [])];
    };
    const deployed = (name: string, digit: string) =>
      eventually(async () => {
        const { status } = await application(`dev-${name}`);
        expect(status).toMatchObject({ sync: { status: 'Synced' }, operationState: { phase: 'Succeeded' } });
        expect(await images(name)).toEqual([`sha256:${digit.repeat(64)}`]);
        expect(await hooks(`dev-${name}`)).toEqual({ [`${name}-migrate`]: 'Succeeded' });
      });
    await merge({ [values('dev', one)]: shop('4') });
    await merge({ [values('dev', one)]: shop('5') });
    await merge({
      ...component(two, 'domain'),
      [values('dev', one)]: shop('6'),
      [values('dev', two)]: shop('8'),
    });
    await deployed(one, '6');
    await deployed(two, '8');
    await merge({ [values('dev', one)]: shop('4') });
    await deployed(one, '4');
    expect(await images(two)).toEqual([`sha256:${'8'.repeat(64)}`]);
    await merge({ [values('dev', two)]: 'enabled: false\n' });
    await eventually(async () => expect(await objects(two)).toEqual([]));
  });

  it('leaves what no lane may have to nobody: values of all lanes, other policies, other charts', async () => {
    const name = 'domain-sly-v1';
    const evil = {
      enabled: true,
      image: { ref: 'docker.io/evil/backdoor:latest' },
      imagePolicy: { requireDigest: false, allowed: [] },
    };
    await merge({
      ...component(name, 'domain'),
      [`sources/values/_shared/apps/${name}.yaml`]: JSON.stringify(evil),
    });
    await eventually(async () => {
      expect((await application(`dev-${name}`)).status?.sync?.status).toBe('Synced');
      expect((await application(`staging-${name}`)).status?.sync?.status).toBe('Synced');
    });
    expect(await objects(name)).toEqual([]);
    await merge({ [values('staging', name)]: JSON.stringify({ ...evil, ...SETTINGS.domain }) });
    await eventually(async () => {
      expect(JSON.stringify((await application(`staging-${name}`)).status?.conditions)).toMatch(
        /has no digest, but imagePolicy.requireDigest is true here/,
      );
    });
    expect(await objects(name, 'acme-staging')).toEqual([]);
    const path = `environments/_shared/components/apps/primitives/${name}/component.yaml`;
    await merge({ [path]: `name: ${name}\narea: apps\nchart: operators\n` });
    await eventually(async () => {
      const sets = await lab().kube.get<KubeObject & { status: unknown }>(`${ARGOCD}/applicationsets`);
      const set = sets.find(({ metadata }) => metadata.name === 'acme-components-staging');
      expect(JSON.stringify(set?.status)).toContain(`${name}: chart operators is not for components`);
    });
    const left = Object.keys(component(name, 'domain')).map((file) => [file, null] as const);
    await merge({ ...Object.fromEntries(left), [values('staging', name)]: null });
    await touch();
    await eventually(async () =>
      expect((await applications()).map(({ metadata }) => metadata.name)).not.toContain(`staging-${name}`),
    );
  });

  /** After an error Argo CD waits three minutes, unless the ApplicationSet is changed. */
  const touch = () =>
    lab().kube.kubectl([
      ...['annotate', 'applicationsets', '--all', '-n', 'argocd', '--overwrite'],
      `touched=${crypto.randomUUID()}`,
    ]);

  it('gives operators rights in the namespace of their lane, and components none', async () => {
    const { kube } = lab();
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'sly' },
      rules: [],
    };
    const folder = 'environments/_shared/components/apps/sly';
    const chart = 'sources/charts/raw-manifests/templates/manifests.yaml';
    await merge({
      'sources/values/_platform/staging/operators.yaml': JSON.stringify({
        enabled: true,
        operators: { domain: { enabled: true, image: { ref: ref('domain-operator') } } },
      }),
      [`${folder}/component.yaml`]: 'name: sly\narea: apps\nchart: raw-manifests\n',
      // Also with a chart that would render anything.
      [chart]: '{{ range .Values.manifests }}\n---\n{{ toYaml . }}\n{{ end }}\n',
      [values('staging', 'sly')]: JSON.stringify({ enabled: true, manifests: [role] }),
    });
    await eventually(async () => {
      expect((await application('operators.staging')).status?.sync?.status).toBe('Synced');
      expect(JSON.stringify((await application('staging-sly')).status)).toMatch(
        /Role is not permitted in project acme-staging/,
      );
    });
    expect((await application('operators.staging')).spec.project).toBe('acme-operators');
    const roles = await kube.get<KubeObject>('apis/rbac.authorization.k8s.io/v1/roles');
    const own = roles.filter(({ metadata }) => metadata.namespace?.startsWith('acme-'));
    expect(own.map(({ metadata }) => `${metadata.namespace} ${metadata.name}`)).toEqual([
      'acme-staging domain-operator',
    ]);
    const everywhere = await kube.get<KubeObject>('apis/rbac.authorization.k8s.io/v1/clusterroles');
    expect(everywhere.filter(({ metadata }) => /operator$/.test(metadata.name))).toEqual([]);
    const text = lab().installed(chart);
    await merge({ [chart]: text, [values('staging', 'sly')]: 'enabled: false\n' });
  });

  it('closes the namespace of a lane that says so, and warns in one that lives already', async () => {
    const { kube } = lab();
    const namespaces = await kube.get<KubeObject>('api/v1/namespaces');
    const level = (name: string, mode: string) =>
      namespaces.find(({ metadata }) => metadata.name === name)?.metadata.labels?.[
        `pod-security.kubernetes.io/${mode}`
      ];
    expect(['enforce', 'warn', 'audit'].map((mode) => level(NAMESPACE, mode))).toEqual(
      Array(3).fill('restricted'),
    );
    expect(['enforce', 'warn', 'audit'].map((mode) => level('acme-staging', mode))).toEqual([
      undefined,
      'restricted',
      'restricted',
    ]);
    const policies = await kube.get<KubeObject>('apis/networking.k8s.io/v1/networkpolicies');
    const ofLanes = policies.filter(({ metadata }) => metadata.namespace?.startsWith('acme-'));
    expect(ofLanes.map(({ metadata }) => `${metadata.namespace} ${metadata.name}`)).toEqual([
      `${NAMESPACE} default`,
    ]);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'sly', namespace: NAMESPACE },
      spec: { hostPID: true, containers: [{ name: 'a', image: ref('a') }] },
    };
    await expect(kube.apply(JSON.stringify(pod))).rejects.toThrow(/violates PodSecurity "restricted/);
  });

  /** Waits until Argo CD has deployed the kit as it is on the default branch. */
  const kitSynced = () =>
    eventually(async () => {
      const { status } = (await application('acme-kit')) as {
        status?: { sync?: { revisions?: string[] }; operationState?: { phase?: string } };
      };
      expect(status?.sync?.revisions?.[0]).toBe(await lab().gitops.commitOf('main'));
      expect(status?.operationState?.phase).toBe('Succeeded');
    });

  it('leaves what runs of a lane that is gone, and hands it to the lane that it is renamed to', async () => {
    const name = 'domain-shop-v1';
    await merge({ ...component(name, 'domain'), [values('dev', name)]: shop('3') });
    const deployment = async () => {
      const all = await lab().kube.get<KubeObject>(`apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
      return all.find(({ metadata }) => metadata.name === name)?.metadata;
    };
    const before = await eventually(async () => {
      const found = await deployment();
      expect(found).toBeDefined();
      expect((await application(`dev-${name}`)).status?.operationState?.phase).toBe('Succeeded');
      return found;
    });
    // The file of the lane is gone: nothing in the cluster is.
    const lane = 'argocd/applicationsets/lane-dev.yaml';
    await merge({ [lane]: null });
    await kitSynced();
    expect((await application(`dev-${name}`)).metadata.deletionTimestamp).toBeUndefined();
    // The lane under another name, in the same namespace: it takes over what runs, and the old one ends nothing.
    const files = await labKit(kitOf(lab().github).replace('name: dev,', 'name: develop,'));
    await merge({
      ...Object.fromEntries(files),
      'sources/values/env/dev/globals.yaml': null,
      [values('dev', name)]: null,
      [values('develop', name)]: shop('3'),
    });
    await eventually(async () => {
      const { status } = await application(`develop-${name}`);
      expect(status, JSON.stringify(status)).toMatchObject({ sync: { status: 'Synced' } });
      const old = (await application(`dev-${name}`)).status;
      expect(JSON.stringify(old?.conditions)).toContain('the lane dev has no values');
    });
    // What `gitops init` says to do then.
    await lab().kube.kubectl([
      ...['delete', 'applicationset', '-n', 'argocd', 'acme-components-dev'],
      ...['acme-operators-dev', 'acme-namespace-dev', 'acme-admission-dev'],
    ]);
    // There is no garbage collector here: it deletes what the ApplicationSets own.
    await lab().kube.kubectl(['delete', 'applications', '-n', 'argocd', '-l', `${GROUP}/lane=dev`]);
    await eventually(async () => {
      const names = (await applications()).map(({ metadata }) => metadata.name);
      expect(names.filter((one) => one.startsWith('dev-'))).toEqual([]);
    });
    // What it deploys is there as it is, so Argo CD syncs nothing by itself, and the record of the owner is the old one.
    await lab().kube.kubectl([
      ...['patch', 'application', `develop-${name}`, '-n', 'argocd', '--type=merge', '-p'],
      JSON.stringify({
        operation: {
          initiatedBy: { username: 'alice' },
          sync: { syncOptions: ['ServerSideApply=true'] },
        },
      }),
    ]);
    const tracked = 'argocd.argoproj.io/tracking-id';
    await eventually(async () =>
      expect((await deployment())?.annotations?.[tracked]).toMatch(`develop-${name}:`),
    );
    const after = await deployment();
    expect(after).toMatchObject({ uid: before?.uid });
    expect(after?.deletionTimestamp).toBeUndefined();
  });
}
