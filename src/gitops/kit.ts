import { DATABASE_IMAGE } from '../kinds/database-image.ts';
import { parseDockerReference } from '../oci/reference.ts';
import type { SignerPolicy } from '../repository/signers.ts';
import { type Fault, repeatedFaults } from '../yaml/fault.ts';
import { parseYaml } from '../yaml/read.ts';
import { isPlainText } from '../yaml/write.ts';
import { KIT_PARTS, type Kit, KitFile, type KitPart } from './kit-document.ts';

/** The owner's settings, at the root of a GitOps repository. */
export const KIT_FILE = 'kit.yaml';

/**
 * Reads and checks the text of a `kit.yaml`.
 *
 * Throws a refusal (exit 2) with line and column for each fault: `kit-syntax`, `kit-unknown-key`, `kit-invalid`.
 */
export async function parseKit(text: string): Promise<Kit> {
  const document = await parseYaml({ text, shown: KIT_FILE, subject: 'kit' }, KitFile);
  const faults = kitFaults(document.value);
  if (faults.length > 0) throw document.refusal(faults);
  return document.value;
}

/** The parts that are installed. Previews and the policy of admission are deployed by Argo CD, and have a setting. */
export function partsOf({ parts = KIT_PARTS, previews, admission }: Kit): readonly KitPart[] {
  const settings: Partial<Record<KitPart, unknown>> = { previews, admission };
  return parts.filter(
    (part) => !(part in settings) || (settings[part] !== undefined && parts.includes('argocd')),
  );
}

/** Namespace of Argo CD, and names of the kit's objects. */
export function argocdOf({ argocd, organisation }: Kit): {
  readonly namespace: string;
  readonly prefix: string;
} {
  return { namespace: 'argocd', prefix: organisation, ...argocd };
}

/** A lane is also a part of the name of its Argo CD project, and the folder of its values: these are taken. */
export const RESERVED_LANES = [
  'kit',
  'lane-namespaces',
  'operators',
  'preview',
  'previews',
  'preview-namespaces',
];

/** Image of the throw-away databases of previews, and its repository. */
export function postgresOf({ previews }: Kit): { readonly image: string; readonly repository: string } {
  const image = previews?.postgres ?? DATABASE_IMAGE;
  return { image, repository: parseDockerReference(image).repository };
}

/** The Secret with a token that is made in each preview. */
const PREVIEW_SECRET = 'preview';

/** Pattern of the names of Applications of previews: pr-<number>-<component>. */
const PREVIEW_LIKE = /^pr-[0-9]+(-|$)/;

/** Checks beyond the schema: names are unique, references exist, and every text is a string in YAML. */
function kitFaults(kit: Kit): readonly Fault[] {
  const { kinds, resources = [], clusters, lanes, previews } = kit;
  const { sources = [], operators = [], lockstep = [], parts = [] } = kit;
  const known = clusters.map(({ name }) => name);
  const cluster = (name: string, path: Fault['path']): readonly Fault[] =>
    known.includes(name)
      ? []
      : [
          {
            path,
            message: `\`${path.join('.')}\` names no cluster: ${JSON.stringify(name)}`,
            suggestion: `Clusters there: ${known.join(', ')}`,
          },
        ];
  return [
    // Signers are compared, and written into no file; schedules are written in quotes, as many begin with a star.
    ...notPlain({ ...kit, lanes: kit.lanes.map(withoutSchedules), sources: [], cli: undefined }, []),
    ...repeatedFaults(kinds, (i) => ['kinds', i]),
    ...resources.flatMap(({ kind }, i) =>
      kinds.includes(kind)
        ? []
        : [{ path: ['resources', i, 'kind'], message: `${JSON.stringify(kind)} is not one of \`kinds\`` }],
    ),
    ...repeatedFaults(known, (i) => ['clusters', i, 'name']),
    ...clusters.flatMap(({ server, destination }, i) =>
      (server === undefined) === (destination === undefined)
        ? [
            {
              path: ['clusters', i],
              message: `\`clusters.${i}\` needs either \`server\` or \`destination\``,
              suggestion: 'server: the address, or destination: the name, that Argo CD knows the cluster by',
            },
          ]
        : [],
    ),
    ...repeatedFaults(
      lanes.map(({ name }) => name),
      (i) => ['lanes', i, 'name'],
    ),
    ...lanes.flatMap(({ name }, i) =>
      RESERVED_LANES.includes(name) || PREVIEW_LIKE.test(name)
        ? [{ path: ['lanes', i, 'name'], message: `${JSON.stringify(name)} is reserved for the kit` }]
        : [],
    ),
    ...lanes.flatMap((lane, i) =>
      lanes.slice(0, i).some((other) => other.cluster === lane.cluster && other.namespace === lane.namespace)
        ? [
            {
              path: ['lanes', i, 'namespace'],
              message: `${JSON.stringify(lane.namespace)} is the namespace of another lane on ${lane.cluster}`,
              suggestion: 'The components of two lanes have the same names: give each lane a namespace.',
            },
          ]
        : [],
    ),
    ...lanes.flatMap((lane, i) => cluster(lane.cluster, ['lanes', i, 'cluster'])),
    ...(previews === undefined ? [] : cluster(previews.cluster, ['previews', 'cluster'])),
    ...previewFaults(kit),
    ...repeatedFaults(parts, (i) => ['parts', i]),
    ...repeatedFaults(
      sources.map(({ repository }) => repository),
      (i) => ['sources', i, 'repository'],
    ),
    ...repeatedFaults(
      sources.map(({ registry }) => registry),
      (i) => ['sources', i, 'registry'],
    ),
    ...sources.flatMap(({ trusted }, i) =>
      trusted.flatMap((entry, j) => signerFaults(entry, ['sources', i, 'trusted', j])),
    ),
    ...admissionFaults(kit),
    ...repeatedFaults(
      operators.map(({ kind }) => kind),
      (i) => ['operators', i, 'kind'],
    ),
    ...repeatedFaults(lockstep.flat(), (i) => ['lockstep', groupOf(lockstep, i)]),
  ];
}

/** Of signers a policy in the cluster compares issuer and identity, which must not be weaker than what kit.yaml says. */
function admissionFaults({ admission, sources = [] }: Kit): readonly Fault[] {
  if (admission === undefined) return [];
  if (sources.length === 0)
    return [
      {
        path: ['admission'],
        message: '`admission` needs `sources`: without one it would admit no image',
        suggestion: 'primitive gitops init --update --code ../app',
      },
    ];
  return sources.flatMap((source, i) =>
    (['trusted', 'accepted'] as const).flatMap((tier) =>
      (source[tier] ?? []).flatMap((signer, j) =>
        'key' in signer || signer.repository === undefined || isOwnWorkflow(signer)
          ? []
          : [
              {
                path: ['sources', i, tier, j, 'repository'],
                message: `\`admission\` cannot hold a signer to \`repository\`: ${JSON.stringify(signer.identity)} is no workflow of ${signer.repository}, and other repositories may use it`,
                suggestion: 'Sign in a workflow of that repository, or take `admission` out.',
              },
            ],
      ),
    ),
  );
}

function isOwnWorkflow({ identity, repository = '' }: Extract<SignerPolicy, { issuer: string }>): boolean {
  return /^https:\/\/[^/]+\/(.*)$/.exec(identity)?.[1]?.startsWith(`${repository}/`) ?? false;
}

/** Names of previews of two repositories must differ, and what has an address is wired here. */
function previewFaults({ previews, kinds }: Kit): readonly Fault[] {
  if (previews === undefined) return [];
  const { repository, others = [], secrets = [], url } = previews;
  return [
    ...repeatedFaults(
      others.map(({ name }) => name),
      (i) => ['previews', 'others', i, 'name'],
    ),
    ...repeatedFaults(
      [repository, ...others.map((other) => other.repository)].map((name) => name.toLowerCase()),
      (i) => (i === 0 ? ['previews', 'repository'] : ['previews', 'others', i - 1, 'repository']),
    ),
    ...repeatedFaults(
      secrets.map(({ name }) => name),
      (i) => ['previews', 'secrets', i, 'name'],
    ),
    ...secrets.flatMap(({ name }, i) =>
      name === PREVIEW_SECRET
        ? [
            {
              path: ['previews', 'secrets', i, 'name'],
              message: `${name} is the Secret that each preview has`,
            },
          ]
        : [],
    ),
    ...(url?.kinds ?? []).flatMap((kind, i) =>
      kinds.includes(kind)
        ? []
        : [
            {
              path: ['previews', 'url', 'kinds', i],
              message: `${JSON.stringify(kind)} is not one of \`kinds\``,
            },
          ],
    ),
  ];
}

/** As in the config of a code repository: a pattern would let others make what production runs. */
function signerFaults(entry: SignerPolicy, path: Fault['path']): readonly Fault[] {
  if ('key' in entry || !entry.identity.includes('*')) return [];
  return [
    {
      path: [...path, 'identity'],
      message: 'a trusted identity is exact: a pattern would let others make what production runs',
      suggestion: 'Write the identity of the one workflow, or list it under `accepted`.',
    },
  ];
}

/** The group that the member at a position of all members is in. */
function groupOf(groups: readonly (readonly string[])[], position: number): number {
  let end = 0;
  return groups.findIndex((group) => {
    end += group.length;
    return position < end;
  });
}

function withoutSchedules({ windows = [], ...lane }: Kit['lanes'][number]) {
  return { ...lane, windows: windows.map(({ schedule: _, ...window }) => window) };
}

/** Everything here is written into YAML as it is. The patterns leave nothing that could break out of a value. */
function notPlain(value: unknown, path: Fault['path']): readonly Fault[] {
  if (typeof value === 'object' && value !== null) {
    const isList = Array.isArray(value);
    return Object.entries(value).flatMap(([key, item]) =>
      notPlain(item, [...path, isList ? Number(key) : key]),
    );
  }
  if (typeof value !== 'string' || isPlainText(value)) return [];
  return [
    {
      path,
      message: `${JSON.stringify(value)} is not a string in YAML`,
      suggestion: 'Choose another name: the files that the kit writes have it without quotes.',
    },
  ];
}
