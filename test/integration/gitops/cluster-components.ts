import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import {
  component,
  eventually,
  type GitopsCluster,
  type KubeObject,
  kitOf,
  SETTINGS,
} from '../../support/gitops-cluster.ts';
import { NAMESPACE, operatorOf, ref, values, withControllers } from '../../support/gitops-operator.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** A component that is renamed, and removed: what the gate says of it, and what Argo CD's own controllers make of it. */
export function components(lab: () => GitopsCluster): void {
  withControllers(lab);

  const { applications, application, merge, objects } = operatorOf(lab);

  /** What the gate says of a branch, as its workflow runs it: what is wrong, and what is gone once it is merged. */
  const judge = async (branch: string) => {
    const root = await mkdtemp(join(lab().folder, 'gate-'));
    for (const [folder, ref] of [
      ['base', 'main'],
      ['change', branch],
    ] as const) {
      const target = join(root, folder);
      await run('git', ['clone', '--quiet', '--branch', ref, lab().gitops.folder, target]);
      await writeFile(join(target, 'kit.yaml'), kitOf(lab().github));
      const installed = JSON.stringify({ files: Object.fromEntries(lab().files) });
      await writeFile(join(target, '.github/primitive/installed.json'), installed);
    }
    const { stdout, stderr } = await attempt(
      process.execPath,
      ['../base/.github/primitive/render.mjs', '../rendered'],
      {
        cwd: join(root, 'change'),
        env: {
          PATH: `${dirname(tool('helm'))}:${process.env.PATH}`,
          GITHUB_STEP_SUMMARY: join(root, 'summary'),
        },
      },
    );
    expect(stderr).toBe('');
    const said = (level: string) =>
      [...stdout.matchAll(new RegExp(`^::${level}::(.*)$`, 'gm'))].map(([, text = '']) =>
        decodeURIComponent(text),
      );
    const losses = said('warning');
    const summary = await readFile(join(root, 'summary'), 'utf8').catch(() => '');
    expect(summary).toBe(losses.map((line) => `- ${line}\n`).join(''));
    return { faults: said('error'), losses };
  };
  /** Puts a change on a branch, and asks the gate; `mergeIt` is what a person does then. */
  const propose = async (branch: string, files: Readonly<Record<string, string | null>>) => {
    await lab().gitops.commit(branch, files);
    return { ...(await judge(branch)), mergeIt: () => merge(files) };
  };

  const [cart, basket] = ['domain-cart-v1', 'domain-basket-v1'];
  const text = (name: string) =>
    JSON.stringify({ enabled: true, image: { ref: ref(name.replace('-v1', '')) }, ...SETTINGS.domain });
  const enabled = (name: string) => ({ ...component(name, 'domain'), [values('dev', name)]: text(name) });
  const gone = (name: string) =>
    Object.fromEntries(Object.keys(enabled(name)).map((path) => [path, null] as const));
  const runs = (name: string) =>
    eventually(async () => {
      const { status } = await application(`dev-${name}`);
      expect(status).toMatchObject({ sync: { status: 'Synced' }, health: { status: 'Healthy' } });
      expect(await objects(name)).toEqual(made(name));
    });
  const made = (name: string) => [
    `Deployment ${name}`,
    `Deployment ${name}-dispatch`,
    `Service ${name}`,
    `ServiceAccount ${name}`,
  ];
  const deployment = async (name: string) => {
    const all = await lab().kube.get<KubeObject>(`apis/apps/v1/namespaces/${NAMESPACE}/deployments`);
    return all.find(({ metadata }) => metadata.name === name)?.metadata;
  };
  const ofComponents = async () =>
    (await applications())
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.endsWith(cart) || name.endsWith(basket))
      .sort();
  const both = (name: string) => [`dev-${name}`, `staging-${name}`];

  it('ends nothing that runs when a component is renamed at once: the gate refuses it, and Argo CD leaves it', async () => {
    await merge(enabled(cart));
    await runs(cart);
    const before = await deployment(cart);
    const { faults, losses, mergeIt } = await propose('rename', { ...gone(cart), ...enabled(basket) });
    expect(faults).toEqual([
      expect.stringContaining(`is removed, and ${cart} is enabled in dev: disable it there first`),
    ]);
    expect(losses).toEqual([]);
    // Merged all the same: the Application goes, and what it had is left as it was.
    await mergeIt();
    await runs(basket);
    await eventually(async () => expect(await ofComponents()).toEqual(both(basket)));
    expect(await objects(cart)).toEqual(made(cart));
    expect((await deployment(cart))?.uid).toBe(before?.uid);
    // With its files back it has its owner again.
    await merge(enabled(cart));
    await runs(cart);
    expect((await deployment(cart))?.uid).toBe(before?.uid);
  });

  it('takes away what the gate has named, and then the Applications, once a component is disabled and removed', async () => {
    const kept = await deployment(basket);
    const disabled = await propose('disable', { [values('dev', cart)]: 'enabled: false\n' });
    expect(disabled.faults).toEqual([]);
    expect(disabled.losses).toEqual([`Once this is merged, dev loses ${(await objects(cart)).join(', ')}.`]);
    await disabled.mergeIt();
    await eventually(async () => expect(await objects(cart)).toEqual([]));
    // What a person sees: an Application that has nothing, and is as it should be.
    await eventually(async () => {
      const { status } = await application(`dev-${cart}`);
      expect(status).toMatchObject({
        sync: { status: 'Synced' },
        health: { status: 'Healthy' },
        operationState: { phase: 'Succeeded' },
      });
    });
    const removed = await propose('remove', gone(cart));
    expect(removed.faults).toEqual([]);
    expect(removed.losses).toEqual([
      `Once this is merged, these Applications end, which have nothing: ${both(cart).join(', ')}.`,
    ]);
    await removed.mergeIt();
    await eventually(async () => expect(await ofComponents()).toEqual(both(basket)));
    await runs(basket);
    expect((await deployment(basket))?.uid).toBe(kept?.uid);
    await merge({ [values('dev', basket)]: 'enabled: false\n' });
    await eventually(async () => expect(await objects(basket)).toEqual([]));
    await merge(gone(basket));
    await eventually(async () => expect(await ofComponents()).toEqual([]));
  });
  it('keeps the volume of a component that is disabled, if it says so', async () => {
    const { kube } = lab();
    const name = 'shelf';
    const annotations = {
      'argocd.argoproj.io/sync-options': 'Prune=false',
      'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
    };
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const path = `environments/_shared/components/apps/${name}/component.yaml`;
    const manifests = [
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'kept', annotations }, spec },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'lost' } },
    ];
    await merge({
      [path]: `name: ${name}\narea: apps\nchart: raw-manifests\n`,
      [values('dev', name)]: JSON.stringify({ enabled: true, manifests }),
    });
    const left = async () => {
      const lists = await Promise.all(
        ['persistentvolumeclaims', 'configmaps'].map((plural) =>
          kube.get<KubeObject>(`api/v1/namespaces/${NAMESPACE}/${plural}`),
        ),
      );
      const names = lists.flat().map((object) => object.metadata.name);
      return names.filter((each) => ['kept', 'lost'].includes(each)).sort();
    };
    await eventually(async () => expect(await left()).toEqual(['kept', 'lost']));
    await merge({ [values('dev', name)]: 'enabled: false\n' });
    await eventually(async () => {
      expect(await left()).toEqual(['kept']);
      expect((await application(`dev-${name}`)).status?.sync?.status).toBe('Synced');
    });
    await merge({ [path]: null, [values('dev', name)]: null });
    await eventually(async () =>
      expect((await applications()).map(({ metadata }) => metadata.name)).not.toContain(`dev-${name}`),
    );
    expect(await left()).toEqual(['kept']);
    await kube.kubectl(['delete', 'pvc', 'kept', '-n', NAMESPACE, '--wait=false']);
  });
}
