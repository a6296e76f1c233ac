import { argocdOf, partsOf } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';

/** A lane that an update takes away or moves: what runs of it in the cluster has nobody any more who looks after it. */
export interface LeftLane {
  readonly name: string;
  readonly change: 'removed' | 'moved';
  readonly cluster: string;
  readonly namespace: string;
  /** Namespace of Argo CD. */
  readonly argocd: string;
  /** The Application that deploys it until somebody deletes it. */
  readonly applicationSets: readonly string[];
  /** The Application that keeps those as they are on the branch. */
  readonly kit: string;
}

/** The lanes of a kit that another one does not have, or has elsewhere. */
export function leftLanes(before: Kit, after: Kit): readonly LeftLane[] {
  const places = after.lanes.map((lane) => placeOf(after, lane));
  const old = argocdOf(before);
  return before.lanes
    .filter((lane) => !places.includes(placeOf(before, lane)))
    .map((lane) => ({
      name: lane.name,
      change: after.lanes.some(({ name }) => name === lane.name) ? 'moved' : 'removed',
      cluster: lane.cluster,
      namespace: lane.namespace,
      argocd: old.namespace,
      applicationSets: [
        'components',
        'operators',
        'namespace',
        ...(partsOf(before).includes('admission') ? ['admission'] : []),
      ].map((what) => `${old.prefix}-${what}-${lane.name}`),
      kit: `${old.prefix}-kit`,
    }));
}

/** Settings that identify a lane: if one changes, it is another lane. */
function placeOf(kit: Kit, { name, cluster, namespace }: Kit['lanes'][number]): string {
  const argocd = argocdOf(kit);
  return JSON.stringify([argocd.namespace, argocd.prefix, name, cluster, namespace]);
}

/**
 * How a lane is left without harm. Its ApplicationSets are deleted first, which ends no component: else values that are
 * moved to another lane would be missing in this one, and Argo CD would take that for disabled. While they are on the
 * branch, Argo CD would make them anew.
 */
export function stepsFor({ name, argocd, applicationSets, namespace, kit }: LeftLane): readonly string[] {
  const stop = `kubectl patch application ${kit} -n ${argocd} --type merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`;
  return [
    `Lane ${name}, before you merge this: ${stop}`,
    `Lane ${name}, then, before you merge this: kubectl delete applicationset -n ${argocd} ${applicationSets.join(' ')}`,
    `Lane ${name}, once it is merged: kubectl apply --server-side -f argocd/bootstrap.yaml`,
    `Lane ${name}: all that runs in ${namespace} goes on, and nothing updates it. To end it: kubectl delete namespace ${namespace}`,
  ];
}
