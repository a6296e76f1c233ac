import { afterAll, beforeAll } from 'vitest';
import type { Application, GitopsCluster, KubeObject } from './gitops-cluster.ts';
import { startNodeless } from './services/nodeless.ts';
import type { Service } from './services/service.ts';

/** The namespace of the lane `dev`. */
export const NAMESPACE = 'acme-dev';

/** A reference with a digest that is made of one digit. */
export const ref = (name: string, digit = '1') => `ghcr.io/acme/${name}@sha256:${digit.repeat(64)}`;
/** The file of a component's values in a lane. */
export const values = (lane: string, name: string) => `sources/values/env/${lane}/apps/${name}.yaml`;

/** Runs Argo CD's controllers for the tests of a group, and a double that says of Jobs and Deployments how they ended. */
export function withControllers(lab: () => GitopsCluster): void {
  let nodeless: Service;
  beforeAll(async () => {
    await lab().kube.apply(lab().installed('argocd/bootstrap.yaml'));
    await lab().argocd();
    nodeless = await startNodeless(lab().kube);
  });
  afterAll(() => nodeless?.stop());
}

/** What an operator does to a lab, and looks at; `argocd`: the namespace of Argo CD. */
export function operatorOf(lab: () => GitopsCluster, argocd = 'argocd') {
  const applications = () =>
    lab().kube.get<Application>(`apis/argoproj.io/v1alpha1/namespaces/${argocd}/applications`);
  const application = async (name: string) => {
    const found = (await applications()).find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`no Application ${name}`);
    return found;
  };
  /** Commits to the default branch, and lets Argo CD look at once. */
  const merge = async (files: Readonly<Record<string, string | null>>) => {
    await lab().gitops.commit('main', files);
    await refresh();
  };
  const refresh = async () => {
    const { kube } = lab();
    const sets = ['annotate', 'applicationsets', '--all', '-n', argocd, '--overwrite'];
    await kube.kubectl([...sets, 'argocd.argoproj.io/application-set-refresh=true']);
    const names = (await applications()).map(({ metadata }) => metadata.name);
    for (const name of names) {
      const one = ['annotate', 'applications', name, '-n', argocd, '--overwrite'];
      await kube.kubectl([...one, 'argocd.argoproj.io/refresh=normal']).catch((error: Error) => {
        // Argo CD may have ended it meanwhile.
        if (!error.message.includes('(NotFound)')) throw error;
      });
    }
  };
  /** Objects with the label of a component, by kind and name. */
  const objects = async (name: string, namespace = NAMESPACE) => {
    const kinds = [
      ['apis/apps/v1', 'deployments'],
      ['api/v1', 'services'],
      ['api/v1', 'serviceaccounts'],
      ['api/v1', 'configmaps'],
      ['apis/batch/v1', 'jobs'],
    ];
    const lists = await Promise.all(
      kinds.map(([group, plural]) =>
        lab().kube.get<KubeObject & { kind: string }>(`${group}/namespaces/${namespace}/${plural}`),
      ),
    );
    return lists
      .flat()
      .filter(({ metadata }) => metadata.name.startsWith(name))
      .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
      .sort();
  };
  /** Results of the hooks of the last sync of an Application: name of the Job -> phase. */
  const hooks = async (name: string) => {
    const { status } = await application(name);
    const resources = (status?.operationState?.syncResult?.resources ?? []) as readonly {
      readonly kind: string;
      readonly name: string;
      readonly hookPhase?: string;
      readonly hookType?: string;
    }[];
    return Object.fromEntries(
      resources.filter(({ hookType }) => hookType).map(({ name: job, hookPhase }) => [job, hookPhase]),
    );
  };
  /** Ids of the operation, to see that there was another one. */
  const finished = async (name: string) => {
    const { status } = (await application(name)) as {
      status?: { operationState?: { finishedAt?: string; phase?: string } };
    };
    return status?.operationState;
  };
  return { applications, application, merge, objects, hooks, finished };
}
