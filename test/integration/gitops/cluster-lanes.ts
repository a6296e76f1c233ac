import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { leftLanes, stepsFor, stepsForArgocd } from '../../../src/features/gitops-init/lanes.ts';
import { parseKit } from '../../../src/gitops/kit.ts';
import {
  component,
  eventually,
  type GitopsCluster,
  type KubeObject,
  kitOf,
  labKit,
  SETTINGS,
} from '../../support/gitops-cluster.ts';
import { operatorOf, ref, values, withControllers } from '../../support/gitops-operator.ts';
import { installArgoCd, startArgoCd } from '../../support/services/argocd.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** Where OpenShift GitOps has Argo CD. */
const OPENSHIFT = 'openshift-gitops';
type Namespace = 'argocd' | typeof OPENSHIFT;

/** A lane that moves, and a kit whose objects in Argo CD get other names: both there and back, by what the plan says. */
export function lanes(lab: () => GitopsCluster): void {
  withControllers(lab);

  /** By the namespace of Argo CD. */
  const operators = { argocd: operatorOf(lab), [OPENSHIFT]: operatorOf(lab, OPENSHIFT) };
  const { application, merge } = operators.argocd;
  const name = 'domain-till-v1';
  const text = (digit: string) =>
    JSON.stringify({ enabled: true, image: { ref: ref('domain-till', digit) }, ...SETTINGS.domain });

  /** The Deployments of the component in a namespace, with the digit of their image. */
  const running = async (namespace: string) => {
    const all = await lab().kube.get<KubeObject & { readonly spec: unknown }>(
      `apis/apps/v1/namespaces/${namespace}/deployments`,
    );
    const found = all.filter(({ metadata }) => metadata.name.startsWith(name));
    return found.map(({ metadata, spec }) => ({
      name: metadata.name,
      uid: metadata.uid,
      ends: metadata.deletionTimestamp,
      digit: /sha256:([0-9])/.exec(JSON.stringify(spec))?.[1],
    }));
  };
  const settled = (namespace: string, digit: string, argocd: Namespace = 'argocd') =>
    eventually(async () => {
      const { spec, status } = await operators[argocd].application(`staging-${name}`);
      expect(spec.destination.namespace).toBe(namespace);
      expect(status, JSON.stringify(status?.conditions)).toMatchObject({
        sync: { status: 'Synced' },
        health: { status: 'Healthy' },
      });
      // One that has taken over what is as it should be has synced nothing.
      expect(status?.operationState?.phase ?? 'Succeeded').toBe('Succeeded');
      const found = await running(namespace);
      expect(found.map((each) => [each.name, each.digit])).toEqual([
        [name, digit],
        [`${name}-dispatch`, digit],
      ]);
      return found;
    });

  /** Merges what the kit is for other settings, and what the plan of `gitops init` says to do. */
  const update = async (from: string, to: string, argocd: Namespace = 'argocd') => {
    const [before, after, installed, files] = await Promise.all([
      parseKit(from),
      parseKit(to),
      labKit(from),
      labKit(to),
    ]);
    const gone = [...installed.keys()].filter((path) => !files.has(path));
    await operators[argocd].merge({
      ...Object.fromEntries(files),
      ...Object.fromEntries(gone.map((path) => [path, null])),
    });
    const left = leftLanes(before, after);
    return { left, steps: [...left.flatMap(stepsFor), ...stepsForArgocd(before, after, installed)], files };
  };
  /** Does what a step of the plan says, in a checkout: a command, or one to be repeated until another one has the commit. */
  const follow = async (step: string, cwd: string, argocd: Namespace) => {
    const env = {
      PATH: `${dirname(tool('kubectl'))}:${process.env.PATH}`,
      KUBECONFIG: lab().kube.kubeconfig,
    };
    const shell = (command: string) => run('bash', ['-ec', command], { cwd, env });
    const [, command = '', look] = /(kubectl .*?)(?:, until `(.*)` has the merged commit)?$/.exec(step) ?? [];
    await eventually(async () => {
      await shell(command);
      if (look !== undefined) expect(await shell(look)).toContain(await lab().gitops.commitOf('main'));
    });
    // There is no garbage collector here: it deletes what the ApplicationSets own.
    if (command.startsWith('kubectl delete applicationset')) await collect(argocd);
  };

  it('leaves all that runs at the old place of a lane that is moved, and takes it over when the lane comes back', async () => {
    await merge({ ...component(name, 'domain'), [values('staging', name)]: text('1') });
    const before = await settled('acme-staging', '1');
    const here = kitOf(lab().github);
    const there = here.replace('acme-staging', 'acme-stage');
    const { left, steps } = await update(here, there);
    expect(left).toMatchObject([{ name: 'staging', change: 'moved', namespace: 'acme-staging' }]);
    expect(steps.at(-1)).toContain('the workloads in acme-staging on main keep running');
    await settled('acme-stage', '1');
    // Argo CD has looked again meanwhile, and nothing of this comes to the old place.
    await merge({ [values('staging', name)]: text('2') });
    await settled('acme-stage', '2');
    expect(await running('acme-staging')).toEqual(before);
    // What a person sees of it: the namespace that is left is no longer that of the lane.
    const outOfSync = { sync: { status: 'OutOfSync' }, health: { status: 'Healthy' } };
    expect((await application('namespace.staging')).status).toMatchObject(outOfSync);
    await merge({ [values('staging', name)]: 'enabled: false\n' });
    await eventually(async () => expect(await running('acme-stage')).toEqual([]));
    expect(await running('acme-staging')).toEqual(before);
    await update(there, here);
    await merge({ [values('staging', name)]: text('3') });
    const after = await settled('acme-staging', '3');
    expect(after.map(({ uid }) => uid)).toEqual(before.map(({ uid }) => uid));
  });

  /** Changes `argocd` of the kit and does what the plan says; what runs is as it was, and of the Applications of the new names. */
  const handOver = async (
    [from, to]: readonly [string, string],
    [old, now]: readonly [Namespace, Namespace],
    prefix: string,
  ) => {
    const before = await settled('acme-staging', '3', old);
    const { left, steps, files } = await update(from, to, old);
    expect(left.map(({ change }) => change)).toEqual(['renamed', 'renamed']);
    const checkout = join(lab().folder, `${now}-${prefix}`);
    await mkdir(join(checkout, 'argocd'), { recursive: true });
    await writeFile(join(checkout, 'argocd/bootstrap.yaml'), files.get('argocd/bootstrap.yaml') ?? '');
    for (const step of steps.filter((each) => each.includes('kubectl'))) await follow(step, checkout, old);
    const { application, applications } = operators[now];
    await eventually(async () => {
      const { metadata, spec } = await application(`staging-${name}`);
      expect(spec.project).toBe(`${prefix}-staging`);
      expect(JSON.stringify(metadata)).toContain(`${prefix}-components-staging`);
    });
    const kit = (await applications()).filter(({ metadata }) => metadata.name.endsWith('-kit'));
    expect(kit.map(({ metadata }) => metadata.name)).toEqual([`${prefix}-kit`]);
    if (old !== now)
      await eventually(async () => {
        const ends = await operators[old].applications();
        expect(ends.map(({ metadata }) => metadata.name)).toEqual([]);
      });
    expect(await settled('acme-staging', '3', now)).toEqual(before);
  };

  it('hands what runs to Applications of the same names where the kit in Argo CD has another prefix', async () => {
    const acme = kitOf(lab().github);
    const shop = acme.replace('\nregistry:', '\nargocd: { prefix: shop }\nregistry:');
    await handOver([acme, shop], ['argocd', 'argocd'], 'shop');
    await handOver([shop, acme], ['argocd', 'argocd'], 'acme');
    // It is theirs: they change it, and take it away.
    await merge({ [values('staging', name)]: text('4') });
    await settled('acme-staging', '4');
    await merge({ [values('staging', name)]: text('3') });
    await settled('acme-staging', '3');
  });

  it('hands what runs to the Argo CD of another namespace, which changes it and takes it away, and back', async () => {
    const { kube, github } = lab();
    const here = kitOf(github);
    const there = here.replace('\nregistry:', `\nargocd: { namespace: ${OPENSHIFT} }\nregistry:`);
    const token = github.token().value;
    const url = `${github.web}/acme/gitops.git`;
    await installArgoCd(kube, { repository: { url, token }, namespace: OPENSHIFT });
    await using _other = await startArgoCd(kube, { namespace: OPENSHIFT });
    await handOver([here, there], ['argocd', OPENSHIFT], 'acme');
    const other = operators[OPENSHIFT];
    await other.merge({ [values('staging', name)]: text('5') });
    await settled('acme-staging', '5', OPENSHIFT);
    await other.merge({ [values('staging', name)]: 'enabled: false\n' });
    await eventually(async () => expect(await running('acme-staging')).toEqual([]));
    await other.merge({ [values('staging', name)]: text('3') });
    await handOver([there, here], [OPENSHIFT, 'argocd'], 'acme');
    const jobs = await kube.get<KubeObject>('apis/batch/v1/cronjobs');
    const janitors = jobs.filter(({ metadata }) => metadata.name === 'preview-janitor');
    expect(janitors.map(({ metadata }) => metadata.namespace)).toContain('argocd');
    expect(janitors.map(({ metadata }) => metadata.namespace)).not.toContain(OPENSHIFT);
    // The account of the janitor is another one.
    const account = await kube.kubectl(['create', 'token', 'preview-janitor', '--namespace=argocd']);
    await writeFile(join(lab().janitorAccount, 'token'), account);
    await merge({ [values('staging', name)]: 'enabled: false\n' });
    await eventually(async () => expect(await running('acme-staging')).toEqual([]));
  });

  /** Deletes Applications whose ApplicationSet is gone. */
  const collect = async (argocd: Namespace) => {
    const { kube } = lab();
    const sets = await kube.get<KubeObject>(`apis/argoproj.io/v1alpha1/namespaces/${argocd}/applicationsets`);
    const uids = sets.map(({ metadata }) => metadata.uid);
    for (const { metadata } of await operators[argocd].applications()) {
      const owners = (metadata as { ownerReferences?: readonly { readonly uid: string }[] }).ownerReferences;
      if (owners === undefined || owners.some(({ uid }) => uids.includes(uid))) continue;
      await kube.kubectl(['delete', 'application', metadata.name, '-n', argocd, '--wait=false']);
    }
  };
}
