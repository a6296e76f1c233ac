import { parse } from 'yaml';
import { type Finding, refusal } from '../core/finding.ts';
import { field, optional } from '../core/object.ts';
import type { YamlPath } from '../yaml/fault.ts';
import { KIT_FILE } from './kit.ts';
import type { Kit } from './kit-document.ts';
import type { GitopsTree } from './tree.ts';

/** A scalar that names an image of a component, in the values of a lane. */
export interface ComponentRef {
  /** The image's name below the registry of its source: `domain-orders`. */
  readonly image: string;
  /** In the values of the component: `image.ref`. */
  readonly path: YamlPath;
}

/** The image references of a `component.yaml`. */
export interface GitopsComponent {
  /** Also the name of its release, and of its values. */
  readonly name: string;
  /** Folder of its values; undefined for the operators, whose values are the platform's. */
  readonly area: string | undefined;
  /** Path of the file that names its images: `component.yaml`, or `kit.yaml` for the operators. */
  readonly file: string;
  /** Its code repository, as `source` of its component.yaml, or of the one that it is a part of, names it. */
  readonly source?: string;
  /** Empty for what no source publishes. */
  readonly refs: readonly ComponentRef[];
}

const COMPONENTS = 'environments/_shared/components/';
/** Path of the reference of migrations; that of all other charts is `image.ref`. */
export const MIGRATIONS_REF: YamlPath = ['migrations', 'image', 'ref'];
const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** The name of the operators of a lane together. */
const OPERATORS = 'operators';

/**
 * The components of a GitOps repository, sorted by name; with the operators, if `operators` of kit.yaml names any. `image` of a `component.yaml` names the image of its one
 * reference; `refs: [{ path: a.b, image: NAME }]` names each of several.
 *
 * Throws `component-invalid` (exit 2) for files that say nothing that can be followed.
 */
export async function readComponents(
  tree: GitopsTree,
  { operators = [] }: Pick<Kit, 'operators'>,
): Promise<readonly GitopsComponent[]> {
  const files = (await tree.list()).filter(
    (path) => path.startsWith(COMPONENTS) && path.endsWith('/component.yaml'),
  );
  const texts = await tree.read(files);
  const findings: Finding[] = [];
  const components: ReadComponent[] = operators.length === 0 ? [] : [operatorsOf(operators)];
  for (const [file, text] of texts) {
    const read = componentOf(file, text);
    if (typeof read === 'string') {
      findings.push({ rule: 'component-invalid', level: 'error', message: read, path: file });
    } else components.push(read);
  }
  const names = new Map(components.map((component) => [component.name, component.file]));
  for (const { name, file } of components) {
    const other = names.get(name);
    if (other === file) continue;
    const message = `${other} has the same \`name\`: ${name}`;
    findings.push({ rule: 'component-invalid', level: 'error', message, path: file });
  }
  if (findings.length > 0) throw refusal('component-invalid', 'Cannot read the components.', findings);
  const sources = new Map(components.map(({ name, source }) => [name, source]));
  return components
    .map(({ whole, ...component }) => ({
      ...component,
      ...optional('source', sources.get(whole) ?? component.source),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `whole`: the component that it is a part of; its own name if of none. */
type ReadComponent = GitopsComponent & { readonly whole: string };

function operatorsOf(operators: NonNullable<Kit['operators']>): ReadComponent {
  const refs = operators.map(({ kind, image }) => ({ image, path: ['operators', kind, 'image', 'ref'] }));
  return { name: OPERATORS, whole: OPERATORS, area: undefined, file: KIT_FILE, refs };
}

function componentOf(file: string, text: string): ReadComponent | string {
  let data: unknown;
  try {
    data = parse(text, { prettyErrors: false, stringKeys: true, maxAliasCount: 0 });
  } catch {
    return 'it is not YAML, or uses aliases';
  }
  const [name, area] = ['name', 'area'].map((key) => field(data, key));
  if (typeof name !== 'string' || !NAME.test(name)) return '`name` is not the name of a component';
  if (typeof area !== 'string' || !NAME.test(area)) return '`area` is not the name of a folder';
  const [of, source] = ['of', 'source'].map((key) => field(data, key));
  if (source !== undefined && typeof source !== 'string')
    return '`source` is not the name of a code repository';
  const isMigrations = of !== undefined && name.endsWith('-migrations');
  const path = isMigrations ? MIGRATIONS_REF : ['image', 'ref'];
  const refs = refsOf(field(data, 'refs'), field(data, 'image'), path);
  if (typeof refs === 'string') return refs;
  return { name, whole: typeof of === 'string' ? of : name, area, file, refs, ...optional('source', source) };
}

function refsOf(refs: unknown, image: unknown, path: YamlPath): readonly ComponentRef[] | string {
  if (refs !== undefined) {
    if (!Array.isArray(refs)) return '`refs` is not a list';
    const read = refs.map((entry) => ({ path: field(entry, 'path'), image: field(entry, 'image') }));
    const isWhole = read.every(
      (entry) =>
        typeof entry.path === 'string' && typeof entry.image === 'string' && /\.ref$/.test(entry.path),
    );
    if (!isWhole) return 'an entry of `refs` is not { path: a.b.ref, image: NAME }';
    return read.map((entry) => ({ path: String(entry.path).split('.'), image: String(entry.image) }));
  }
  if (image === undefined) return [];
  if (typeof image !== 'string') return '`image` is not a text';
  return [{ image, path }];
}

/** The values of a component in one lane alone. */
export function laneFile({ area, name }: Pick<GitopsComponent, 'area' | 'name'>, lane: string): string {
  return area === undefined
    ? `sources/values/_platform/${lane}/${name}.yaml`
    : `sources/values/env/${lane}/${area}/${name}.yaml`;
}

/** The lane that a file has values of alone; undefined for one of all lanes. */
export function laneOfFile(path: string): string | undefined {
  return /^sources\/values\/(?:env|_platform)\/([^/]+)\//.exec(path)?.[1];
}

/** The file of another lane with the same values. */
export function fileInLane(path: string, lane: string): string {
  return path.replace(/^(sources\/values\/(?:env|_platform)\/)[^/]+(?=\/)/, `$1${lane}`);
}

/** The lane from which a lane is promoted; undefined for one that takes releases as they come. */
export function laneBefore({ lanes }: Pick<Kit, 'lanes'>, lane: string): string | undefined {
  const position = lanes.findIndex(({ name }) => name === lane);
  return lanes[position]?.entry === true ? undefined : lanes[position - 1]?.name;
}
