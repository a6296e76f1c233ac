import { optional } from '../../core/object.ts';
import { argocdOf, partsOf } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';
import type { FileTexts } from './render.ts';

/** A lane that an update takes away or moves: what runs of it in the cluster has nobody any more who looks after it. */
export interface LeftLane {
  readonly name: string;
  /** `renamed`: Argo CD, or the prefix of its objects, is another one; the lane and what runs of it stay where they are. */
  readonly change: 'removed' | 'moved' | 'renamed';
  readonly cluster: string;
  readonly namespace: string;
  /** The lane that has the same namespace from now on, and the label of its Applications. */
  readonly heir?: string;
  readonly heirLabel?: string;
  /** Where one that is moved goes to. */
  readonly to?: { readonly cluster: string; readonly namespace: string };
  /** Namespace of Argo CD. */
  readonly argocd: string;
  /** They stay in the cluster until somebody deletes them. */
  readonly applicationSets: readonly string[];
}

/** The lanes of a kit that another one does not have, or has elsewhere. */
export function leftLanes(before: Kit, after: Kit): readonly LeftLane[] {
  const old = argocdOf(before);
  return before.lanes.flatMap((lane) => {
    const to = after.lanes.find(({ name }) => name === lane.name);
    const isMoved = to?.cluster !== lane.cluster || to.namespace !== lane.namespace;
    if (!isMoved && !isRenamed(before, after)) return [];
    return [
      {
        name: lane.name,
        change: to === undefined ? 'removed' : isMoved ? 'moved' : 'renamed',
        ...heirOf(lane, after),
        ...optional('to', to),
        cluster: lane.cluster,
        namespace: lane.namespace,
        argocd: old.namespace,
        applicationSets: [
          'components',
          'operators',
          'namespace',
          ...(partsOf(before).includes('admission') ? ['admission'] : []),
        ].map((what) => `${old.prefix}-${what}-${lane.name}`),
      },
    ];
  });
}

/** Whether `argocd` of kit.yaml changed: then all that the kit has in Argo CD gets new names, or another place. */
function isRenamed(before: Kit, after: Kit): boolean {
  const [old, now] = [argocdOf(before), argocdOf(after)];
  return old.namespace !== now.namespace || old.prefix !== now.prefix;
}

function heirOf(
  { cluster, namespace }: Kit['lanes'][number],
  after: Kit,
): Pick<LeftLane, 'heir' | 'heirLabel'> {
  const heir = after.lanes.find((lane) => lane.cluster === cluster && lane.namespace === namespace);
  return heir === undefined ? {} : { heir: heir.name, heirLabel: `${after.apiGroup}/lane=${heir.name}` };
}

/**
 * How a lane is left without harm. One that is removed or renamed has no values any more, by which its Applications change
 * nothing (chart-parts/lane.yaml); another lane in its namespace takes over what runs. Of one that is moved the project
 * takes the new place alone, so Argo CD leaves what is at the old one.
 */
export function stepsFor({
  name,
  change,
  argocd,
  applicationSets,
  cluster,
  namespace,
  heir,
  heirLabel,
  to,
}: LeftLane): readonly string[] {
  if (change === 'renamed') return [];
  const left = `the workloads in ${namespace} on ${cluster} keep running and are no longer updated. To end them: kubectl delete namespace ${namespace}`;
  if (change === 'moved')
    return [
      `Lane ${name}, before you merge this: create the Secrets and ConfigMaps that its components name in ${to?.namespace} on ${to?.cluster}, too`,
      `Lane ${name}, once it is merged: ${left}`,
    ];
  return [
    heir === undefined
      ? `Lane ${name}, before you merge this: delete sources/values/env/${name} in the same pull request`
      : `Lane ${name}, before you merge this: move sources/values/env/${name} to sources/values/env/${heir} in the same pull request`,
    `Lane ${name}, once it is merged: kubectl delete applicationset -n ${argocd} ${applicationSets.join(' ')}`,
    heir === undefined
      ? `Lane ${name}: ${left}`
      : `Lane ${name}, then, as Argo CD records the owner of workloads when it syncs: argocd app sync -l ${heirLabel}. The workloads in ${namespace} keep running, as the lane ${heir}`,
  ];
}

/**
 * How the objects of a kit in Argo CD are left once `argocd` of kit.yaml has changed; none if it has not. An Application of
 * a component has no prefix, so the new ApplicationSets wait for its name until the old ones are gone. Those are recreated
 * by the old Application of the kit, and by the new one from a commit that Argo CD has seen before: both come first.
 * `installed` are the files of the kit before.
 */
export function stepsForArgocd(before: Kit, after: Kit, installed: FileTexts): readonly string[] {
  if (!isRenamed(before, after)) return [];
  const [{ namespace }, now] = [argocdOf(before), argocdOf(after)];
  const kit = `application ${now.prefix}-kit -n ${now.namespace}`;
  const end = (resource: string, kind: string) =>
    `kubectl delete ${resource} -n ${namespace} ${namesOf(kind, installed).join(' ')}`;
  const isElsewhere = namespace !== now.namespace;
  const janitor = ['cronjob', 'configmap', 'serviceaccount'].map((kind) => `${kind}/preview-janitor`);
  return [
    ...(isElsewhere
      ? [
          `argocd, before you merge this: make the Secrets in ${now.namespace}, too, that Argo CD has in ${namespace} for this repository, clusters and previews`,
        ]
      : []),
    'argocd, once this is merged: kubectl apply --server-side -f argocd/bootstrap.yaml',
    `argocd, then: kubectl annotate --overwrite ${kit} argocd.argoproj.io/refresh=hard, until \`kubectl get ${kit} -o jsonpath={.status.operationState.syncResult.revisions}\` has the merged commit`,
    `argocd, then: ${end('application', 'Application')}`,
    `argocd, then: ${end('applicationset', 'ApplicationSet')}`,
    `argocd, then: ${end('appproject', 'AppProject')}`,
    ...(isElsewhere && partsOf(before).includes('previews')
      ? [`argocd, then: kubectl delete -n ${namespace} ${janitor.join(' ')}`]
      : []),
    'argocd: workloads of lanes keep running, and the Applications of the new names take them over; previews are recreated',
  ];
}

/** Names of the objects of a kind of Argo CD in files of a kit, sorted. */
function namesOf(kind: string, files: FileTexts): readonly string[] {
  const texts = [...files].filter(([path]) => path.startsWith('argocd/')).map(([, text]) => text);
  const objects = texts.flatMap((text) => [...text.matchAll(OBJECT)]);
  return objects.flatMap(([, found, name = '']) => (found === kind ? [name] : [])).sort();
}

const OBJECT = /^kind: (\w+)\nmetadata:\n {2}name: (\S+)$/gm;
