import { argocdOf, partsOf } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';

/** A lane that an update takes away or moves: what runs of it in the cluster has nobody any more who looks after it. */
export interface LeftLane {
  readonly name: string;
  readonly change: 'removed' | 'moved';
  readonly cluster: string;
  readonly namespace: string;
  /** The lane that has the same namespace from now on, of one that is renamed; and the label of its Applications. */
  readonly heir?: string;
  readonly heirLabel?: string;
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
      ...heirOf(lane, after),
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

function heirOf(
  { cluster, namespace }: Kit['lanes'][number],
  after: Kit,
): Pick<LeftLane, 'heir' | 'heirLabel'> {
  const heir = after.lanes.find((lane) => lane.cluster === cluster && lane.namespace === namespace);
  return heir === undefined ? {} : { heir: heir.name, heirLabel: `${after.apiGroup}/lane=${heir.name}` };
}

/** Settings that identify a lane: if one changes, it is another lane. */
function placeOf(kit: Kit, { name, cluster, namespace }: Kit['lanes'][number]): string {
  const argocd = argocdOf(kit);
  return JSON.stringify([argocd.namespace, argocd.prefix, name, cluster, namespace]);
}

/**
 * How a lane is left without harm. One that is removed or renamed has no values any more, by which its Applications change
 * nothing (chart-parts/lane.yaml); another lane in its namespace takes over what runs. Of one that is moved the
 * ApplicationSets are deleted before: they would end what is at the old place. While they are on the branch, Argo CD would
 * make them anew, also from a commit that it has seen before.
 */
export function stepsFor(lane: LeftLane): readonly string[] {
  const { name, change, argocd, applicationSets, namespace, kit, heir, heirLabel } = lane;
  const end = `kubectl delete applicationset -n ${argocd} ${applicationSets.join(' ')}`;
  if (change === 'removed')
    return [
      heir === undefined
        ? `Lane ${name}, before you merge this: delete sources/values/env/${name} in the same pull request`
        : `Lane ${name}, before you merge this: move sources/values/env/${name} to sources/values/env/${heir} in the same pull request`,
      `Lane ${name}, once it is merged: ${end}`,
      heir === undefined
        ? `Lane ${name}: the workloads in ${namespace} keep running and are no longer updated. To end them: kubectl delete namespace ${namespace}`
        : `Lane ${name}, then, as Argo CD records the owner of workloads when it syncs: argocd app sync -l ${heirLabel}. The workloads in ${namespace} keep running, as the lane ${heir}`,
    ];
  return [
    `Lane ${name}, before you merge this: kubectl patch application ${kit} -n ${argocd} --type merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`,
    `Lane ${name}, then, before you merge this: ${end}`,
    `Lane ${name}, once it is merged: kubectl annotate application ${kit} -n ${argocd} argocd.argoproj.io/refresh=hard, until \`kubectl get application ${kit} -n ${argocd} -o jsonpath={.status.sync.revisions}\` has the merged commit`,
    `Lane ${name}, then: kubectl apply --server-side -f argocd/bootstrap.yaml`,
    `Lane ${name}: the workloads in ${namespace} keep running and are no longer updated. To end them: kubectl delete namespace ${namespace}`,
  ];
}
