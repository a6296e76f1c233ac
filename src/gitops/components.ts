import { parse } from 'yaml';
import { type Finding, refusal } from '../core/finding.ts';
import { field } from '../core/object.ts';
import type { YamlPath } from '../yaml/fault.ts';
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
  /** Folder of its values. */
  readonly area: string;
  /** Path of the `component.yaml`. */
  readonly file: string;
  /** Empty for what no source publishes. */
  readonly refs: readonly ComponentRef[];
}

const COMPONENTS = 'environments/_shared/components/';
/** Chart -> path of its reference, if that is not `image.ref`. */
const CHART_REFS: Readonly<Record<string, YamlPath>> = { 'db-migrations': ['migrations', 'image', 'ref'] };
const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * The components of a GitOps repository, sorted by name. `image` of a `component.yaml` names the image of its one
 * reference; `refs: [{ path: a.b, image: NAME }]` names each of several.
 *
 * Throws `component-invalid` (exit 2) for files that say nothing that can be followed.
 */
export async function readComponents(tree: GitopsTree): Promise<readonly GitopsComponent[]> {
  const files = (await tree.list()).filter(
    (path) => path.startsWith(COMPONENTS) && path.endsWith('/component.yaml'),
  );
  const texts = await tree.read(files);
  const findings: Finding[] = [];
  const components: GitopsComponent[] = [];
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
  return components.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function componentOf(file: string, text: string): GitopsComponent | string {
  let data: unknown;
  try {
    data = parse(text, { prettyErrors: false, stringKeys: true, maxAliasCount: 0 });
  } catch {
    return 'it is not YAML, or uses aliases';
  }
  const [name, area, chart] = ['name', 'area', 'chart'].map((key) => field(data, key));
  if (typeof name !== 'string' || !NAME.test(name)) return '`name` is not the name of a component';
  if (typeof area !== 'string' || !NAME.test(area)) return '`area` is not the name of a folder';
  // A part of another component has no chart of its own choice.
  const isMigrations = field(data, 'of') !== undefined && name.endsWith('-migrations');
  const refs = refsOf(field(data, 'refs'), field(data, 'image'), isMigrations ? 'db-migrations' : chart);
  return typeof refs === 'string' ? refs : { name, area, file, refs };
}

function refsOf(refs: unknown, image: unknown, chart: unknown): readonly ComponentRef[] | string {
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
  const name = typeof chart === 'string' ? (chart.split('/').at(-1) ?? '') : '';
  return [{ image, path: CHART_REFS[name] ?? ['image', 'ref'] }];
}

/** The values of a component in one lane alone. */
export function laneFile({ area, name }: Pick<GitopsComponent, 'area' | 'name'>, lane: string): string {
  return `sources/values/env/${lane}/${area}/${name}.yaml`;
}

/** The lane from which a lane is promoted; undefined for one that takes releases as they come. */
export function laneBefore({ lanes }: Pick<Kit, 'lanes'>, lane: string): string | undefined {
  const position = lanes.findIndex(({ name }) => name === lane);
  return lanes[position]?.entry === true ? undefined : lanes[position - 1]?.name;
}
