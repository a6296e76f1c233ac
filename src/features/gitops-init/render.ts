import { parseAllDocuments } from 'yaml';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { parseKit } from '../../gitops/kit.ts';
import type { Kit, KitResource } from '../../gitops/kit-document.ts';
import { renderTemplate } from '../../kinds/template-renderer.ts';

/** Path -> text. */
export type Files = ReadonlyMap<string, string>;

/** An entry of `files` in `templates/gitops/install.yaml`. */
export interface InstallEntry {
  /** A file, or a folder with all in it. */
  readonly from: string;
  /** Its path in the GitOps repository; `{charts}` and the like are values of kit.yaml. */
  readonly to: string;
  /** Once for each of these. */
  readonly each?: 'cluster' | 'lane';
}

/** What a kit is made from. */
export interface KitSource {
  /** The files in `templates/gitops`. */
  readonly sources: Files;
  /** What its install.yaml says of them. */
  readonly entries: readonly InstallEntry[];
  /** Of the kinds that come with primitive; sorted by kind. */
  readonly resources: readonly KitResource[];
}

/** Where the generator and the gate are. */
export const PRIMITIVE_FOLDER = '.github/primitive';

const KIT_JSON = `${PRIMITIVE_FOLDER}/kit.json`;

/**
 * Everything that the kit installs for a `kit.yaml`, by path.
 *
 * Throws what {@link parseKit} throws, `kit-resource-clash`, and `kind-template-invalid` (exit 2) for a template that is
 * wrong.
 */
export async function renderKit(kitText: string, { sources, entries, resources }: KitSource): Promise<Files> {
  const kit = await parseKit(kitText);
  const settings = settingsOf(kit, resourcesOf(resources, kit));
  const files = new Map<string, string>();
  const add = ([path, text]: readonly [string, string]) => {
    if (files.has(path)) throw twice(path);
    files.set(path, text);
  };
  for (const entry of entries) {
    for (const scope of scopesOf(settings, entry.each)) renderEntry(entry, sources, scope).forEach(add);
  }
  for (const file of [...crdSchemas(files), kitJson(kitText, kit)]) add(file);
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function renderEntry(
  { from, to }: InstallEntry,
  sources: Files,
  scope: Scope,
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
    `The custom resource of ${kind} is named like that of ${other.kind}.`,
    {
      why: 'each kind has a type, a plural and a short name of its own',
      suggestions: ['Change `resources` in kit.yaml.'],
    },
  );
}

/** What templates read: the settings, and what follows from them. */
function settingsOf(kit: Kit, resources: readonly KitResource[]) {
  const serverOf = (name: string) => kit.clusters.find((cluster) => cluster.name === name)?.server;
  const [owner, name] = kit.previews.repository.split('/');
  const { base = 'main' } = kit.previews;
  return {
    ...kit,
    resources,
    lanes: kit.lanes.map((lane) => ({ ...lane, server: serverOf(lane.cluster) })),
    previews: {
      api: '',
      ...kit.previews,
      // Of the characters that a branch may have here, only the dot means something in a pattern.
      basePattern: base.replaceAll('.', '[.]'),
      owner,
      name,
      server: serverOf(kit.previews.cluster),
    },
  };
}

type Settings = ReturnType<typeof settingsOf>;
type Scope = Settings & {
  readonly cluster?: Settings['clusters'][number];
  readonly lane?: Settings['lanes'][number];
};

function scopesOf(settings: Settings, each: InstallEntry['each']): readonly Scope[] {
  if (each === 'cluster') return settings.clusters.map((cluster) => ({ ...settings, cluster }));
  if (each === 'lane') return settings.lanes.map((lane) => ({ ...settings, lane }));
  return [settings];
}

/** `{charts}`, `{lane.name}`: values of the scope. */
function expand(to: string, scope: Scope): string {
  return to.replace(/\{([a-z]+)(?:\.([a-z]+))?\}/g, (_, key: keyof Scope, part?: string) => {
    const value: unknown = scope[key];
    return String(part === undefined ? value : (value as Readonly<Record<string, unknown>>)[part]);
  });
}

/** `kit.yaml` for programs without a YAML parser, and the digest of the text that it was made from. */
function kitJson(text: string, kit: Kit): readonly [string, string] {
  return [KIT_JSON, json({ source: digestOf(Buffer.from(text)), kit })];
}

/** The folder of the charts by the settings among the files of a kit; undefined where they cannot be read. */
export function chartsOf(files: Files): string | undefined {
  try {
    return (JSON.parse(files.get(KIT_JSON) ?? '') as { readonly kit: Kit }).kit.charts;
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
function crdSchemas(files: Files): readonly (readonly [string, string])[] {
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

/** With `additionalProperties: false` where properties are listed, but not at the top: there are `apiVersion`, `metadata`. */
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
    why: '`charts` of kit.yaml leads to a folder in which the kit has other files.',
    suggestions: ['charts: sources/charts'],
  });
}
