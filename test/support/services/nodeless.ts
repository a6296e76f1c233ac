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
  readonly metadata: Metadata & { readonly generation: number; readonly creationTimestamp: string };
  readonly spec: {
    readonly replicas?: number;
    readonly progressDeadlineSeconds?: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** What components and lanes have, and Argo CD waits for when it has deleted it. */
const COLLECTED = [
  ['batch/v1', 'Job', 'jobs'],
  ['apps/v1', 'Deployment', 'deployments'],
  ['v1', 'ConfigMap', 'configmaps'],
  ['v1', 'Service', 'services'],
  ['v1', 'ServiceAccount', 'serviceaccounts'],
  // The last, as not every API server has them.
  ['policies.kyverno.io/v1', 'ImageValidatingPolicy', 'imagevalidatingpolicies'],
] as const;

/**
 * Says of Jobs that they have ended, and of Deployments that their pods are available, as their controllers do where
 * there is a node, and lets go of what was deleted, as the garbage collector does: nothing here has dependents. For tests
 * of what Argo CD makes of it, which need no images then, and choose how a Job ends; `test/e2e/node` has a node. A Job of an
 * image with `fails` in its name has failed; one with `hangs` goes on. The pods of a Deployment that `isStuck` never get
 * ready, which it says once its time for that has passed.
 */
export async function startNodeless(
  kube: Kube,
  isStuck: (deployment: { readonly name: string; readonly namespace: string }) => boolean = () => false,
): Promise<Service> {
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
  const judgeJobs = async () => {
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
  };
  const judgeDeployments = async () => {
    for (const deployment of await kube.get<Workload>('apis/apps/v1/deployments')) {
      const { metadata, status } = deployment;
      const isHung = isStuck(metadata);
      if (!isHung && status?.observedGeneration === metadata.generation) continue;
      await kube.setStatus(
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata },
        isHung ? stuckStatus(deployment) : readyStatus(deployment),
      );
    }
  };
  const running = (async () => {
    while (!signal.aborted) {
      // What is deleted meanwhile is not there any more.
      for (const judge of [collect, judgeJobs, judgeDeployments]) await judge().catch(() => undefined);
      await sleep(500, undefined, { signal }).catch(() => undefined);
    }
  })();
  const stop = async () => {
    aborter.abort();
    await running;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

/** The status of a Deployment whose pods are available. */
function readyStatus({ metadata, spec: { replicas = 1 } }: Workload) {
  return {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
}

/** The status of a Deployment whose pods do not get ready ("Failed Deployment" in Kubernetes' documentation). */
function stuckStatus({ metadata, spec }: Workload) {
  const { replicas = 1, progressDeadlineSeconds = 600 } = spec;
  const isOver = Date.now() - Date.parse(metadata.creationTimestamp) > progressDeadlineSeconds * 1000;
  const progressing = isOver
    ? { status: 'False', reason: 'ProgressDeadlineExceeded' }
    : { status: 'True', reason: 'ReplicaSetUpdated' };
  return {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    unavailableReplicas: replicas,
    conditions: [
      { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable' },
      { type: 'Progressing', ...progressing },
    ],
  };
}
