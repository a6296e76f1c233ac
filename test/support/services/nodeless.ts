import { setTimeout as sleep } from 'node:timers/promises';
import type { Kube } from './kube.ts';
import type { Service } from './service.ts';

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
}

interface Workload {
  readonly metadata: Metadata & { readonly generation: number };
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** What components have, and Argo CD waits for when it has deleted it. */
const COLLECTED = [
  ['batch/v1', 'Job', 'jobs'],
  ['apps/v1', 'Deployment', 'deployments'],
  ['v1', 'ConfigMap', 'configmaps'],
  ['v1', 'Service', 'services'],
  ['v1', 'ServiceAccount', 'serviceaccounts'],
] as const;

/**
 * Says of Jobs that they have ended, and of Deployments that their pods are available, as their controllers do where
 * there is a node, and lets go of what was deleted, as the garbage collector does: nothing here has dependents. For tests
 * of what Argo CD makes of it, which need no images then, and choose how a Job ends; `test/e2e/node` has a node. A Job of an
 * image with `fails` in its name has failed; one with `hangs` goes on.
 */
export async function startNodeless(kube: Kube): Promise<Service> {
  const aborter = new AbortController();
  const { signal } = aborter;
  const collect = async () => {
    for (const [apiVersion, kind, plural] of COLLECTED) {
      const group = apiVersion === 'v1' ? 'api' : 'apis';
      for (const { metadata } of await kube.get<{ readonly metadata: Metadata }>(
        `${group}/${apiVersion}/${plural}`,
      )) {
        const { deletionTimestamp, finalizers = [] } = metadata;
        const left = finalizers.filter((finalizer) => finalizer !== 'foregroundDeletion');
        if (deletionTimestamp === undefined || left.length === finalizers.length) continue;
        await kube.setFinalizers({ apiVersion, kind, metadata }, left);
      }
    }
  };
  const judge = async () => {
    await collect();
    for (const job of await kube.get<Workload>('apis/batch/v1/jobs')) {
      const image = job.spec.template.spec.containers[0]?.image ?? '';
      if (job.metadata.deletionTimestamp !== undefined) continue;
      if (job.status?.conditions !== undefined || image.includes('hangs')) continue;
      const now = new Date().toISOString();
      const condition = (type: string) => ({
        type,
        status: 'True',
        lastTransitionTime: now,
        reason: 'Nodeless',
      });
      const ended = image.includes('fails')
        ? { failed: 1, conditions: ['FailureTarget', 'Failed'].map(condition) }
        : {
            succeeded: 1,
            completionTime: now,
            conditions: ['SuccessCriteriaMet', 'Complete'].map(condition),
          };
      await kube.setStatus(
        { apiVersion: 'batch/v1', kind: 'Job', metadata: job.metadata },
        { startTime: now, ...ended },
      );
    }
    for (const deployment of await kube.get<Workload>('apis/apps/v1/deployments')) {
      const { metadata, spec, status } = deployment;
      if (status?.observedGeneration === metadata.generation) continue;
      const replicas = spec.replicas ?? 1;
      await kube.setStatus(
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata },
        {
          observedGeneration: metadata.generation,
          replicas,
          updatedReplicas: replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
        },
      );
    }
  };
  const running = (async () => {
    while (!signal.aborted) {
      // What is deleted meanwhile is not there any more.
      await judge().catch(() => undefined);
      await sleep(500, undefined, { signal }).catch(() => undefined);
    }
  })();
  const stop = async () => {
    aborter.abort();
    await running;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
