import { posix } from 'node:path';
import { errorLine, PrimitiveError } from '../../core/errors.ts';
import { findingText, Refusal } from '../../core/finding.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { parseComponent } from '../../repository/primitives.ts';
import { readManifest } from '../../repository/provenance.ts';
import type { Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** What primitives are read with. */
export interface Workspace {
  readonly location: ConfigLocation;
  readonly config: Config;
  readonly kinds: Kinds;
  /** The folder of the config, relative to the root of the repository; '' for the root. */
  readonly base: string;
}

/**
 * Every folder `primitives/<kind>/<name>` with files in it, sorted by id. What is wrong with one is part of it and
 * hides no other.
 */
export async function readPrimitives(tree: WorkTree, workspace: Workspace): Promise<readonly Primitive[]> {
  const folder = posix.join(workspace.base, 'primitives');
  const files = new Map<string, string[]>();
  for (const path of await tree.list()) {
    const [kind, name, ...rest] = path.startsWith(`${folder}/`)
      ? path.slice(folder.length + 1).split('/')
      : [];
    if (kind === undefined || name === undefined || rest.length === 0) continue;
    const id = `${kind}/${name}`;
    const known = files.get(id);
    if (known === undefined) files.set(id, [rest.join('/')]);
    else known.push(rest.join('/'));
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(
    sorted.map(([id, own]) => readPrimitive({ id, path: `${folder}/${id}`, files: own }, tree, workspace)),
  );
}

async function readPrimitive(
  place: Pick<Primitive, 'id' | 'path' | 'files'>,
  tree: WorkTree,
  workspace: Workspace,
): Promise<Primitive> {
  const kind = await workspace.kinds.get(posix.dirname(place.id));
  const none = { manifest: undefined, component: undefined, faults: [] };
  const path = `${place.path}/${MANIFEST}`;
  try {
    const bytes = await tree.read(path);
    if (bytes === undefined) return { ...place, kind, ...none };
    const text = new TextDecoder().decode(bytes);
    const manifest = await readManifest(text, path);
    const component = await parseComponent({ path, text, base: workspace.base }, workspace);
    return { ...place, kind, manifest, component, faults: [] };
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    return { ...place, kind, ...none, faults: faultsOf(error) };
  }
}

function faultsOf(error: PrimitiveError): Primitive['faults'] {
  // A parser may report one place many times.
  if (error instanceof Refusal)
    return [...new Map(error.findings.map((one) => [findingText(one), one])).values()];
  return [{ message: errorLine(error) }];
}
