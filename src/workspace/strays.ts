import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Folder, findEntry, isFolder, openFolders, type PlacedEntry } from './folders.ts';
import type { EntryMode, SourceTree, TreeEntry } from './source-tree.ts';

/** Something that is not wrong, but may not be what was meant. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What tells of components at HEAD. */
export interface Marks {
  /** Each `primitive.yaml` that makes its folder a component, sorted by path. */
  readonly manifests: readonly TreeEntry[];
  /** What looks like a component and is none, sorted by path. */
  readonly strays: readonly Warning[];
}

const MANIFEST = 'primitive.yaml';

/**
 * Looks for components below `folder` (`primitives`): `<kind>/<name>/primitive.yaml`, and no deeper than one folder
 * below what could be one. Throws what {@link SourceTree.readFolders} throws.
 */
export async function findMarks(tree: SourceTree, folder: string): Promise<Marks> {
  const top = await findEntry(tree, folder);
  if (top?.mode !== '040000') return { manifests: [], strays: [] };
  const kinds = await openFolders(tree, [{ path: folder, object: top.object }]);
  const names = await openFolders(tree, kinds.filter(isFolder));
  const inside = await openFolders(tree, names.filter(isFolder));
  const manifests = inside.filter(isManifest);
  const made = new Set(manifests.map(parentOf));
  const deeper = await openFolders(
    tree,
    inside.filter((entry) => isFolder(entry) && !made.has(parentOf(entry))),
  );
  const strays = [
    ...[...kinds, ...names, ...deeper].filter(isManifest).map(({ path }) => ({
      path,
      code: 'primitive-misplaced',
      why: `a primitive is a folder ${folder}/<kind>/<name>.`,
    })),
    ...[...kinds, ...names].filter(isSubmodule).map(({ path }) => ({
      path,
      code: 'primitive-submodule',
      why: 'it is a submodule, whose files git does not hold here.',
    })),
    ...inside
      .filter((entry) => entry.name === 'Dockerfile' && !isFolder(entry) && !made.has(parentOf(entry)))
      .map((entry) => undeclared(parentOf(entry))),
  ];
  return {
    manifests: manifests.sort(byPath).map(({ path, mode, object }) => ({ path, mode, object })),
    strays: strays
      .sort(byPath)
      .map(({ path, code, why }) => ({ code, message: `${path} is ignored: ${why}` })),
  };
}

function undeclared(path: string) {
  const [kind, name] = path.split('/').slice(-2);
  return {
    path,
    code: 'primitive-undeclared',
    why: `it has a Dockerfile but no primitive.yaml (kind: ${kind}, name: ${name}).`,
  };
}

function isSubmodule({ mode }: PlacedEntry): boolean {
  return mode === '160000';
}

function isManifest(entry: PlacedEntry): entry is PlacedEntry & { mode: EntryMode } {
  return entry.name === MANIFEST && entry.mode !== '040000';
}

function parentOf({ path }: Folder): string {
  return posix.dirname(path);
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}

/** What a person has just made and may expect to be published. */
export async function uncommitted(
  tree: Pick<SourceTree, 'root'>,
  folder: string,
  manifests: readonly TreeEntry[],
): Promise<readonly Warning[]> {
  const committed = new Set(manifests.map(({ path }) => path));
  const names = (path: string) => readdir(join(tree.root, path)).catch(() => []);
  const kinds = (await names(folder)).sort();
  const found = await Promise.all(
    kinds.map(async (kind) =>
      (await names(`${folder}/${kind}`)).sort().map((name) => `${folder}/${kind}/${name}`),
    ),
  );
  return found
    .flat()
    .filter((path) => !committed.has(`${path}/${MANIFEST}`) && existsSync(join(tree.root, path, MANIFEST)))
    .map((path) => ({
      code: 'primitive-uncommitted',
      message: `${path} is ignored: its primitive.yaml is not committed.`,
    }));
}
