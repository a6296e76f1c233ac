import { parseAllDocuments } from 'yaml';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { byKey } from '../../core/order.ts';
import { codeRepositoriesOf, isSame } from '../../gitops/code-repositories.ts';
import { argocdOf, parseKit, partsOf } from '../../gitops/kit.ts';
import { KIT_PARTS, type Kit, type KitPart, type KitResource } from '../../gitops/kit-document.ts';
import type { Kind } from '../../kinds/kind.ts';
import { renderTemplate } from '../../kinds/template-renderer.ts';
import { deployedAs } from '../../repository/workload.ts';
import { writeYaml } from '../../yaml/write.ts';
import { type AdmissionTexts, admissionInputs, admissionPolicies } from './admission.ts';
import { previewsOf, pullsOf } from './previews.ts';

/** Path -> text. */
export type FileTexts = ReadonlyMap<string, string>;

/** An entry of `files` in `templates/gitops/install.yaml`. */
export interface InstallEntry {
  /** A file, or a folder with all in it. */
  readonly from: string;
  /** Its path in the GitOps repository; `{charts}` and the like are values of kit.yaml. */
  readonly to: string;
  /** Once for each of these. */
  readonly each?: 'cluster' | 'lane' | 'member' | 'pull';
  /** If any of these parts is installed; without it always. */
  readonly parts?: readonly KitPart[];
  /** Only where kit.yaml has this setting, or previews are in another cluster than Argo CD. */
  readonly needs?: 'cli' | 'elsewhere';
}

export interface KitSource {
  /** The files in `templates/gitops`. */
  readonly sources: FileTexts;
  /** Their settings in install.yaml. */
  readonly entries: readonly InstallEntry[];
  /** Those that come with primitive, sorted by name. */
  readonly kinds: readonly Pick<Kind, 'kind' | 'run' | 'processes' | 'settings'>[];
  /** Of these kinds; sorted by kind. */
  readonly resources: readonly KitResource[];
}

/** Folder of the generator and the gate. */
export const PRIMITIVE_FOLDER = '.github/primitive';

const KIT_JSON = `${PRIMITIVE_FOLDER}/kit.json`;

/**
 * Everything that the kit installs for a `kit.yaml`, by path. `read` takes files of the repository that become a part of it.
 *
 * Throws what {@link parseKit} and {@link admissionPolicies} throw, `kit-resource-clash`, and `kind-template-invalid` (exit 2) for a template that is
 * wrong.
 */
export async function renderKit(
  kitText: string,
  source: KitSource,
  read: (paths: readonly string[]) => Promise<AdmissionTexts> = async () => new Map(),
): Promise<FileTexts> {
  const { sources, entries, kinds, resources } = source;
  const kit = await parseKit(kitText);
  const settings = settingsOf(
    kit,
    resourcesOf(resources, kit).filter(({ kind }) => kit.kinds.includes(kind)),
  );
  const files = new Map<string, string>();
  const add = ([path, text]: readonly [string, string]) => {
    if (files.has(path)) throw twice(path);
    files.set(path, text);
  };
  const parts = partsOf(kit);
  for (const entry of entries) {
    if (!(entry.parts ?? parts).some((part) => parts.includes(part))) continue;
    if (entry.needs === 'cli' && kit.cli === undefined) continue;
    if (entry.needs === 'elsewhere' && settings.previews?.elsewhere !== true) continue;
    for (const scope of scopesOf(settings, entry.each)) renderEntry(entry, sources, scope).forEach(add);
  }
  const wired = kinds.filter(({ kind }) => kit.kinds.includes(kind));
  const policies = parts.includes('admission')
    ? admissionPolicies(kit, await read(admissionInputs(kit)))
    : [];
  const made = [...crdSchemas(files), ...wired.map(kindValues), ...policies, kitJson(kitText, kit, settings)];
  made.forEach(add);
  return new Map([...files].sort(byKey));
}

function renderEntry(
  { from, to }: InstallEntry,
  sources: FileTexts,
  scope: TemplateValues,
): readonly (readonly [string, string])[] {
  const target = expand(to, scope);
  return [...sources]
    .filter(([path]) => path === from || path.startsWith(`${from}/`))
    .map(([path, text]) => [
      `${target}${path.slice(from.length)}`.replace(/\.eta$/, ''),
      path.endsWith('.eta') ? renderTemplate(`templates/gitops/${path}`, text, scope) : text,
    ]);
}

/** Those that come with primitive and those of `kit.yaml`. Throws `kit-resource-clash` (exit 2). */
function resourcesOf(bundled: readonly KitResource[], { resources = [] }: Kit): readonly KitResource[] {
  const all: KitResource[] = [...bundled];
  for (const resource of resources) {
    const names = ({ kind, type, plural, shortName }: KitResource) => [
      kind,
      type,
      plural,
      shortName ?? plural,
    ];
    const other = all.find((one) => names(one).some((name) => names(resource).includes(name)));
    if (other !== undefined) throw resourceClash(resource, other);
    all.push(resource);
  }
  return all.sort((a, b) => (a.kind < b.kind ? -1 : 1));
}

function resourceClash({ kind }: KitResource, other: KitResource): PrimitiveError {
  return new PrimitiveError(
    'kit-resource-clash',
    `The custom resources of ${kind} and ${other.kind} have the same name.`,
    {
      why: 'type, plural and short name of each kind must be unique',
      suggestions: ['Change `resources` in kit.yaml.'],
    },
  );
}

/** The charts that a component may name; what is rendered for it besides has its own place. */
const COMPONENT_CHARTS = ['primitive-runtime', 'raw-manifests', 'control-plane'];

/** Values of everything in a lane; of these and of the others below `sources/values`, later ones win. */
const GLOBALS = ['base/globals', 'cluster/{cluster}/globals', 'env/{lane}/globals'];

/** Of a release of a component. `off` disables it until the lane itself says otherwise. */
const valuesOf = (suffix: string) => [
  ...(suffix === '' ? ['_kinds/{kind}'] : []),
  ...GLOBALS,
  `_shared/{area}/{name}${suffix}`,
  'base/off',
  `env/{lane}/{area}/{name}${suffix}`,
];

/** Inputs of the Application of a component: charts, and the names of their releases and values. */
const SOURCES = [
  { chart: 'db-migrations', suffix: '-migrations', values: valuesOf('-migrations') },
  { chart: 'component', suffix: '', values: valuesOf('') },
  { chart: 'smoke-jobs', suffix: '-smoke', values: valuesOf('-smoke') },
];

/** Values of the operators of a lane, in the platform's folder. */
const OPERATORS = [...GLOBALS, '_platform/operators', '_platform/{lane}/operators'];

/** Values files as Argo CD has them: what a component.yaml says is a template. */
function valueFiles(patterns: readonly string[], lane: { readonly name: string; readonly cluster: string }) {
  const places: Readonly<Record<string, string>> = {
    lane: lane.name,
    cluster: lane.cluster,
    area: '{{ .area }}',
    name: '{{ .name }}',
    kind: '{{ get . "kind" }}',
  };
  return patterns.map(
    (pattern) =>
      `/sources/values/${pattern.replace(/\{([a-z]+)\}/g, (_, place) => places[place] ?? '')}.yaml`,
  );
}

/** Kinds of objects that components may have: none that grants rights or holds a secret. */
const COMPONENT_OBJECTS = [
  { group: '', kind: 'ConfigMap' },
  { group: '', kind: 'PersistentVolumeClaim' },
  { group: '', kind: 'Pod' },
  { group: '', kind: 'Service' },
  { group: '', kind: 'ServiceAccount' },
  { group: 'apps', kind: 'Deployment' },
  { group: 'apps', kind: 'StatefulSet' },
  { group: 'autoscaling', kind: 'HorizontalPodAutoscaler' },
  { group: 'batch', kind: 'CronJob' },
  { group: 'batch', kind: 'Job' },
  { group: 'external-secrets.io', kind: 'ExternalSecret' },
  { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' },
  { group: 'networking.k8s.io', kind: 'Ingress' },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy' },
  { group: 'policy', kind: 'PodDisruptionBudget' },
];

/** Allowed sources of the images of components: a folder of repositories that ends with /, or a repository. */
function allowedOf({ registry, sources = [], images }: Kit): readonly string[] {
  const registries = [registry, ...sources.map((source) => source.registry)];
  return [...new Set([...registries.map((each) => `${each}/`), ...(images?.allowed ?? [])])];
}

/** Whether it is the cluster of Argo CD itself. */
function isArgocds({ server, destination }: Kit['clusters'][number]): boolean {
  return server === 'https://kubernetes.default.svc' || destination === 'in-cluster';
}

/** Values for templates: the settings and values derived from them. */
function settingsOf(kit: Kit, resources: readonly KitResource[]) {
  const destinationOf = (name: string) => {
    const { server, destination = '' } = kit.clusters.find((cluster) => cluster.name === name) ?? {};
    return server === undefined ? { key: 'name', value: destination } : { key: 'server', value: server };
  };
  const allowed = allowedOf(kit);
  const members = kit.clusters.filter((cluster) => !isArgocds(cluster));
  const elsewhere = members.some(({ name }) => name === kit.previews?.cluster);
  return {
    ...kit,
    resources,
    argocd: argocdOf(kit),
    allowedList: allowed.join(', '),
    componentCharts: COMPONENT_CHARTS,
    chartList: COMPONENT_CHARTS.map((chart) => `"${chart}"`).join(' '),
    componentObjects: [
      ...COMPONENT_OBJECTS,
      ...resources.map(({ type }) => ({ group: kit.apiGroup, kind: type })),
      ...(kit.objects ?? []),
    ],
    lanes: kit.lanes.map((lane) => ({
      isolation: 'warn',
      ...lane,
      destination: destinationOf(lane.cluster),
      sources: SOURCES.map(({ chart, suffix, values }) => ({
        chart: chart === 'component' ? '{{ .chart }}' : chart,
        suffix,
        files: valueFiles(values, lane),
        // One of them is enough: what one source fails with, the Application does.
        holdsLane: suffix === '-migrations',
      })),
      operatorFiles: valueFiles(OPERATORS, lane),
      manual: lane.sync === 'manual',
      hasWindows: lane.windows !== undefined,
      windows: (lane.windows ?? []).map((window) => ({ timeZone: '', manualSync: false, ...window })),
    })),
    has: {
      ...Object.fromEntries(KIT_PARTS.map((part) => [part, partsOf(kit).includes(part)])),
      cli: kit.cli !== undefined,
    },
    members: members.map(({ name }) => ({
      name,
      destination: destinationOf(name),
      hasPreviews: partsOf(kit).includes('previews') && name === kit.previews?.cluster,
    })),
    pulls: kit.previews === undefined ? [] : pullsOf({ ...kit, previews: kit.previews }),
    previews: kit.previews && {
      ...previewsOf({ ...kit, previews: kit.previews }),
      elsewhere,
      janitorFolder: elsewhere ? 'janitor-account' : 'janitor',
      janitorNamespace: elsewhere ? `${argocdOf(kit).prefix}-kit` : argocdOf(kit).namespace,
      destination: destinationOf(kit.previews.cluster),
      files: valueFiles(valuesOf(''), { name: 'preview', cluster: kit.previews.cluster }),
    },
  };
}

type Settings = ReturnType<typeof settingsOf>;
type TemplateValues = Settings & {
  readonly cluster?: Settings['clusters'][number];
  readonly lane?: Settings['lanes'][number];
  readonly member?: Settings['members'][number];
  readonly pull?: Settings['pulls'][number];
};

function scopesOf(settings: Settings, each: InstallEntry['each']): readonly TemplateValues[] {
  if (each === 'cluster') return settings.clusters.map((cluster) => ({ ...settings, cluster }));
  if (each === 'lane') return settings.lanes.map((lane) => ({ ...settings, lane }));
  if (each === 'member') return settings.members.map((member) => ({ ...settings, member }));
  if (each === 'pull') return settings.pulls.map((pull) => ({ ...settings, pull }));
  return [settings];
}

/** `{charts}`, `{lane.name}`: values of the scope. */
function expand(to: string, scope: TemplateValues): string {
  return to.replace(/\{([a-z]+)(?:\.([a-zA-Z]+))?\}/g, (_, key: keyof TemplateValues, part?: string) => {
    const value: unknown = scope[key];
    return String(part === undefined ? value : (value as Readonly<Record<string, unknown>>)[part]);
  });
}

/**
 * `kit.yaml` for programs without a YAML parser, with the digest of the text that it was made from, and what the gate has
 * to know of what is rendered for a component.
 */
function kitJson(
  text: string,
  kit: Kit,
  { componentCharts, componentObjects, pulls }: Settings,
): readonly [string, string] {
  return [
    KIT_JSON,
    json({
      source: digestOf(Buffer.from(text)),
      kit,
      argocd: argocdOf(kit),
      parts: partsOf(kit),
      components: {
        allowed: allowedOf(kit),
        previewAllowed: [...new Set(pulls.flatMap(({ allowed: images }) => images))],
        // `pull` is the name of its previews among `pulls`.
        code: codeRepositoriesOf(kit).map(({ repository, names }) => ({
          repository,
          names,
          ...optional(
            'pull',
            pulls.find(({ owner, name }) => isSame(`${owner}/${name}`, repository))?.source,
          ),
        })),
        pulls: Object.fromEntries(
          pulls.map(({ source, registry, namespace }) => [source, { registry, namespace }]),
        ),
        charts: componentCharts,
        objects: componentObjects,
        sources: SOURCES,
        operators: OPERATORS,
      },
    }),
  ];
}

/** Values of all components of a kind, and their path: what it runs and wants, as its `kind.yaml` says. */
export function kindValues({ kind, ...workload }: KitSource['kinds'][number]): readonly [string, string] {
  const values = { kind, ...deployedAs(workload) };
  const comment = `# What primitives of the kind ${kind} run, and the settings that they read, from its kind.yaml.\n`;
  return [kindPath(kind), comment + writeYaml(values)];
}

/** Path of the values of a kind. */
export function kindPath(kind: string): string {
  return `sources/values/_kinds/${kind}.yaml`;
}

/** The settings among the files of a kit, as they were when it was made; undefined if they cannot be read. */
export function kitIn(files: FileTexts): Kit | undefined {
  try {
    return (JSON.parse(files.get(KIT_JSON) ?? '') as { readonly kit: Kit }).kit;
  } catch {
    return undefined;
  }
}

interface CustomResourceDefinition {
  readonly kind?: string;
  readonly spec?: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema?: { readonly openAPIV3Schema?: object };
    }[];
  };
}

/** The JSON Schemas of the custom resources, named as `kubeconform` looks for them; objects closed, as `-strict` wants. */
function crdSchemas(files: FileTexts): readonly (readonly [string, string])[] {
  return [...files]
    .filter(([path]) => path.startsWith('sources/crds/') && /\.ya?ml$/.test(path))
    .flatMap(([, text]) => parseAllDocuments(text).map((document) => document.toJS() as unknown))
    .filter((object) => (object as CustomResourceDefinition | null)?.kind === 'CustomResourceDefinition')
    .flatMap((object) => {
      const { spec } = object as CustomResourceDefinition;
      return (spec?.versions ?? []).map(({ name, schema }) => {
        const file = `${PRIMITIVE_FOLDER}/schemas/${spec?.names.kind.toLowerCase()}-${name}.json`;
        return [file, json(closed(schema?.openAPIV3Schema ?? {}))] as const;
      });
    });
}

/** With `additionalProperties: false` if properties are listed, but not at the top: there are `apiVersion`, `metadata`. */
function closed(schema: unknown, depth = 0): unknown {
  if (Array.isArray(schema)) return schema.map((item) => closed(item, depth));
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(
    Object.entries(schema).map(([key, item]) => [key, closed(item, depth + 1)]),
  );
  const open = depth === 0 || !('properties' in schema) || 'x-kubernetes-preserve-unknown-fields' in schema;
  return open || 'additionalProperties' in schema ? parts : { ...parts, additionalProperties: false };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function twice(path: string): PrimitiveError {
  return new PrimitiveError('kit-path-twice', `The kit would write ${path} twice.`, {
    why: '`charts` of kit.yaml is a folder with other files of the kit.',
    suggestions: ['charts: sources/charts'],
  });
}
