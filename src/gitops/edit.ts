import { parseDockerReference } from '../oci/reference.ts';
import type { YamlPath } from '../yaml/fault.ts';
import { spliceYaml } from '../yaml/splice.ts';
import { type GitopsComponent, laneFile, MIGRATIONS_REF } from './components.ts';
import { valueAt } from './values.ts';

/** A reference that a lane is to hold. */
export interface WantedRef {
  readonly component: GitopsComponent;
  readonly path: YamlPath;
  readonly value: string;
}

/** One reference of a lane, and what happens to it. */
export interface RefEdit {
  readonly component: string;
  readonly file: string;
  readonly path: YamlPath;
  /** `create` makes the file, too; `unchanged` even if the same digest stands there under another tag: nothing would roll but the tag. */
  readonly action: 'create' | 'update' | 'unchanged';
  /** Null if none is set. */
  readonly before: string | null;
  readonly after: string;
}

/** The plan for a lane: edits, new contents of files, and faults. */
export interface EditPlan {
  /** Sorted by file, then path. */
  readonly edits: readonly RefEdit[];
  /** Path -> its text before, absent for a new file, and after; of files that change. */
  readonly files: ReadonlyMap<string, { readonly before: string | undefined; readonly after: string }>;
  readonly faults: readonly { readonly file: string; readonly message: string }[];
}

export interface LaneFacts {
  /** Values of its components, by path; absent if there are none. */
  readonly texts: ReadonlyMap<string, string>;
  /** `env-values.yaml` of the generator, from which values that are missing are made. */
  readonly template: string | undefined;
}

/** As the generator would write them: disabled, without an image. */
const MIGRATIONS = 'enabled: false\nmigrations:\n  image:\n    ref: ""\n';

/**
 * As the generator writes them: disabled, without an image. Undefined if its template asks for more, and for the
 * operators, which the platform writes.
 */
function newValues(
  template: string | undefined,
  { name, area, refs }: GitopsComponent,
  lane: string,
): string | undefined {
  if (area === undefined) return undefined;
  if (refs.length === 1 && refs[0]?.path.join('.') === MIGRATIONS_REF.join('.'))
    return `# ${name} in the lane ${lane}.\n${MIGRATIONS}`;
  const text = template?.replaceAll('{release}', name).replaceAll('{env}', lane);
  return text === undefined || /\{[a-z_]+\}/.test(text) ? undefined : text;
}

/**
 * Plans the replacement of one scalar for each wanted reference in the values of a lane. Pure. Everything else in a file
 * stays as it is, byte for byte; a value that cannot be replaced alone, such as an alias, is a fault.
 */
export function planEdits(
  lane: string,
  wanted: readonly WantedRef[],
  { texts, template }: LaneFacts,
): EditPlan {
  const after = new Map(texts);
  const edits: RefEdit[] = [];
  const faults: { readonly file: string; readonly message: string }[] = [];
  for (const { component, path, value } of wanted) {
    const file = laneFile(component, lane);
    const text = after.get(file) ?? newValues(template, component, lane);
    if (text === undefined) {
      const wiring = `primitive gitops scaffold --env ${lane} writes them`;
      faults.push({ file, message: `${component.name} has no values in ${lane}: ${wiring}` });
      continue;
    }
    const before = valueAt(text, path) ?? null;
    const fault = before === null ? undefined : otherImage(before, value);
    if (fault !== undefined) {
      faults.push({ file, message: fault });
      continue;
    }
    const edit = { component: component.name, file, path, before, after: value };
    if (before !== null && isSameImage(before, value)) {
      edits.push({ ...edit, action: 'unchanged', after: before });
      continue;
    }
    const spliced = spliceYaml(text, { path, value });
    if ('problem' in spliced) {
      faults.push({ file, message: `\`${path.join('.')}\` cannot be replaced: ${spliced.problem}` });
      continue;
    }
    after.set(file, spliced.text);
    edits.push({ ...edit, action: texts.has(file) ? 'update' : 'create' });
  }
  const files = [...after].flatMap(([path, text]) => {
    const before = texts.get(path);
    return before === text ? [] : [[path, { before, after: text }] as const];
  });
  return { edits: edits.sort(compareEdits), files: new Map(files), faults };
}

/** A reference is replaced by one to another build of the same image only. */
function otherImage(before: string, after: string): string | undefined {
  const [old, next] = [before, after].map(repositoryOf);
  if (old === undefined) return `${JSON.stringify(before)} is not a reference to an image`;
  return old === next ? undefined : `it holds an image of ${old}, not of ${next}`;
}

function repositoryOf(text: string): string | undefined {
  try {
    return parseDockerReference(text).repository;
  } catch {
    return undefined;
  }
}

function isSameImage(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => text.split('@')[1]);
  return one !== undefined && one === other;
}

function compareEdits(a: RefEdit, b: RefEdit): number {
  const [one, other] = [a, b].map(({ file, path }) => `${file} ${path.join('.')}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
}
