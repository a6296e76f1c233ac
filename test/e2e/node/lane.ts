import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { actRun } from '../../support/act.ts';
import { type Application, eventually, type KubeObject } from '../../support/gitops-cluster.ts';
import { writeKubernetesSchemas } from '../../support/kubernetes-schemas.ts';
import { type KindName, NAMES } from '../journey/primitives.ts';
import { componentOf, KINDS, NAMESPACE, type NodeWorld, valuesOf } from './world.ts';

const ARGOCD = 'apis/argoproj.io/v1alpha1/namespaces/argocd';

/** A pod, as far as tests look at it. */
export interface Pod extends KubeObject {
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly state: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

/** Lets Argo CD look at the repository at once. */
export async function refresh(kube: NodeWorld['kube']): Promise<void> {
  const all = ['--all', '-n', 'argocd', '--overwrite'];
  await kube.kubectl([
    'annotate',
    'applicationsets',
    ...all,
    'argocd.argoproj.io/application-set-refresh=true',
  ]);
  const { code, stderr } = await kube.attempt([
    ...['annotate', 'applications', ...all],
    'argocd.argoproj.io/refresh=normal',
  ]);
  // Applications of a preview that is closed end between the list and its turn.
  const failed =
    code === 0 ? [] : stderr.split('\n').filter((line) => line !== '' && !line.includes('NotFound'));
  if (failed.length > 0) throw new Error(failed.join('\n'));
}

/** Asks for the wiring of all kinds at once, each with a smoke test, and merges their pull requests. */
export async function wire(world: NodeWorld): Promise<void> {
  const proposed = await Promise.all(
    KINDS.map((kind) => {
      const which = ['--kind', kind, '--name', NAMES[kind], '--version', 'v1'];
      return world.ask('scaffold', ...which, '--env', 'dev', '--with-smoke');
    }),
  );
  for (const { pull } of proposed) await world.gitops.gitops.merge(pull?.number ?? 0);
  await refresh(world.kube);
}

/** Asks for the release of HEAD in the lane; its pull request, judged by the gate, and the components that it changes. */
export async function bump(
  world: NodeWorld,
): Promise<{ readonly number: number; readonly components: readonly string[] }> {
  const { result, pull } = await world.ask('bump');
  expect(result).toBe('proposed');
  const components = pull?.files.map(({ path }) => basename(path, '.yaml')) ?? [];
  const number = pull?.number ?? 0;
  await judge(world, number);
  return { number, components: components.sort() };
}

/** Runs the gate on a pull request of the GitOps repository. */
async function judge({ gitops, tls, home }: NodeWorld, number: number): Promise<void> {
  const kubernetes = join(home, 'kubernetes');
  if (!existsSync(kubernetes)) await writeKubernetesSchemas(kubernetes);
  const { head } = gitops.gitops.pull(number);
  const { code, output } = await actRun(gitops, 'gitops-gate.yaml', 'pull_request', {
    branch: head.branch,
    ...{ caFile: tls.caFile, home },
    variables: { KUBERNETES_SCHEMAS: kubernetes },
  });
  if (code !== 0) throw new Error(output);
}

/** Merges a pull request, and lets Argo CD look at once. */
export async function mergePull({ gitops, kube }: NodeWorld, number: number): Promise<void> {
  await gitops.gitops.merge(number);
  await refresh(kube);
}

/** Adds values to those of components in the lane, by a pull request that the gate judges. */
export async function propose(
  world: NodeWorld,
  values: Readonly<Record<string, object>>,
): Promise<{ readonly number: number }> {
  const { gitops } = world.gitops;
  await gitops.commit('configure', await configured(world, values));
  const { number } = gitops.open('configure');
  await judge(world, number);
  return { number };
}

/** Adds values to those of components in the lane, which keep their references. */
export async function configure(world: NodeWorld, values: Readonly<Record<string, object>>): Promise<void> {
  await world.gitops.commit(await configured(world, values));
  await refresh(world.kube);
}

async function configured({ gitops }: NodeWorld, values: Readonly<Record<string, object>>) {
  const files: Record<string, string> = {};
  for (const [component, own] of Object.entries(values)) {
    const path = valuesOf(component);
    const before: object | null = parse((await gitops.gitops.file(path)) ?? '');
    files[path] = stringify({ ...before, ...own });
  }
  return files;
}

/** An Application of the lane by its component. */
export async function application({ kube }: NodeWorld, component: string): Promise<Application> {
  const all = await kube.get<Application>(`${ARGOCD}/applications`);
  const found = all.find(({ metadata }) => metadata.name === `dev-${component}`);
  if (found === undefined) throw new Error(`no Application dev-${component}`);
  return found;
}

/** The hooks of the last sync of a component: name of the Job -> phase. */
export async function hooks(world: NodeWorld, component: string): Promise<Readonly<Record<string, string>>> {
  const { status } = await application(world, component);
  const resources = (status?.operationState?.syncResult?.resources ?? []) as readonly {
    readonly name: string;
    readonly hookPhase?: string;
    readonly hookType?: string;
  }[];
  return Object.fromEntries(
    resources.filter(({ hookType }) => hookType).map(({ name, hookPhase = '' }) => [name, hookPhase]),
  );
}

/** Waits until Argo CD says of all kinds that they are as the repository has them, and run. */
export async function healthy(world: NodeWorld, minutes = 4): Promise<void> {
  await eventually(async () => {
    const revision = await world.gitops.gitops.commitOf('main');
    for (const component of KINDS.map(componentOf)) {
      const { status } = await application(world, component);
      expect({ component, ...status }, await why(world, component)).toMatchObject({
        sync: { status: 'Synced', revisions: expect.arrayContaining([revision]) },
        health: { status: 'Healthy' },
        operationState: { phase: 'Succeeded' },
      });
    }
  }, minutes);
}

/** Of pods, with the name of their component. */
export const LABEL = 'app.kubernetes.io/instance';

/** Pods of the lane that a selector of labels takes. */
export async function pods({ kube }: NodeWorld, selector: string): Promise<readonly Pod[]> {
  const query = `labelSelector=${encodeURIComponent(selector)}`;
  return kube.get<Pod>(`api/v1/namespaces/${NAMESPACE}/pods?${query}`);
}

/** What is known of a component that does not come up. */
async function why(world: NodeWorld, component: string): Promise<string> {
  const { status } = await application(world, component);
  const logs = (await pods(world, `${LABEL}=${component}`)).map(async ({ metadata, status: { phase } }) => {
    const log = await world.node.log(NAMESPACE, metadata.name);
    return `--- ${metadata.name}: ${phase}\n${log.split('\n').slice(-8).join('\n')}`;
  });
  return [
    JSON.stringify(status?.conditions),
    status?.operationState?.message,
    ...(await Promise.all(logs)),
  ].join('\n');
}

/** A loopback URL of the Service of a component. */
export function reach({ node }: NodeWorld, kind: KindName): Promise<string> {
  return node.reach(`${componentOf(kind)}.${NAMESPACE}.svc.cluster.local:8080`);
}

/** All that components have in the lane, of what Kubernetes makes for them too, by kind and name. */
export async function objects({ kube }: NodeWorld): Promise<readonly string[]> {
  const kinds = [
    ...['pods', 'services', 'serviceaccounts', 'configmaps'].map((plural) => ['api/v1', plural]),
    ...['deployments', 'replicasets'].map((plural) => ['apis/apps/v1', plural]),
    ['apis/batch/v1', 'jobs'],
    ['apis/discovery.k8s.io/v1', 'endpointslices'],
    ['apis/networking.k8s.io/v1', 'networkpolicies'],
    ['apis/policy/v1', 'poddisruptionbudgets'],
  ];
  const lists = kinds.map(([group, plural]) =>
    kube.get<KubeObject & { kind: string }>(`${group}/namespaces/${NAMESPACE}/${plural}`),
  );
  return (await Promise.all(lists))
    .flat()
    .filter(({ metadata }) => KINDS.some((kind) => metadata.name.startsWith(componentOf(kind))))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .sort();
}
