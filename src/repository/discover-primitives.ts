import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Code } from '../core/errors.ts';
import { compareFindings, type Finding } from '../core/finding.ts';
import { type Folder, findEntry, isFolder, openFolders, type PlacedEntry } from './folders.ts';
import { listPrimitiveFolders, MANIFEST } from './primitive-folders.ts';
import type { CommitTree, EntryMode, TreeEntry } from './source-tree.ts';

/** The primitives of HEAD. */
export interface Discovery {
  /** Each `primitive.yaml` that makes its folder a primitive, sorted by path. */
  readonly manifests: readonly TreeEntry[];
  /** Ignored folders that look like primitives, sorted by path. */
  readonly warnings: readonly Finding[];
}

/**
 * Looks for primitives below `folder` (`primitives`): `<kind>/<name>/primitive.yaml`, and no deeper than one folder
 * below what could be one. Throws what {@link CommitTree.readFolders} throws.
 */
export async function discoverPrimitives(tree: CommitTree, folder: string): Promise<Discovery> {
  const top = await findEntry(tree, folder);
  if (top?.mode !== '040000') return { manifests: [], warnings: [] };
  const kinds = await openFolders(tree, [{ path: folder, object: top.object }]);
  const names = await openFolders(tree, kinds.filter(isFolder));
  const inside = await openFolders(tree, names.filter(isFolder));
  const manifests = inside.filter(isManifest);
  const declared = new Set(manifests.map(parentOf));
  const deeper = await openFolders(
    tree,
    inside.filter((entry) => isFolder(entry) && !declared.has(parentOf(entry))),
  );
  const isUndeclared = (entry: PlacedEntry) =>
    entry.name === 'Dockerfile' && !isFolder(entry) && !declared.has(parentOf(entry));
  const warnings = [
    ...[...kinds, ...names, ...deeper]
      .filter(isManifest)
      .map(({ path }) =>
        ignored('primitive-misplaced', path, `a primitive is a folder ${folder}/<kind>/<name>`),
      ),
    ...[...kinds, ...names]
      .filter(isSubmodule)
      .map(({ path }) => ignored('primitive-submodule', path, 'git does not hold the files of a submodule')),
    ...inside.filter(isUndeclared).map((entry) => undeclared(parentOf(entry))),
  ];
  return {
    manifests: manifests
      .map(({ path, mode, object }) => ({ path, mode, object }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    warnings: warnings.sort(compareFindings),
  };
}

/** Primitives of the work tree that are not committed: they would not be published. */
export async function findUncommitted(
  tree: Pick<CommitTree, 'root'>,
  base: string,
  manifests: readonly TreeEntry[],
): Promise<readonly Finding[]> {
  const committed = new Set(manifests.map(({ path }) => path));
  const folders = (await listPrimitiveFolders(join(tree.root, base))).map(({ path }) =>
    posix.join(base, path),
  );
  return folders
    .filter((path) => !committed.has(`${path}/${MANIFEST}`) && existsSync(join(tree.root, path, MANIFEST)))
    .map((path) => ignored('primitive-uncommitted', path, 'its primitive.yaml is not committed'));
}

function ignored(rule: Code, path: string, why: string): Finding {
  return { rule, level: 'warning', path, message: `ignored, because ${why}` };
}

function undeclared(path: string): Finding {
  const [kind, name] = path.split('/').slice(-2);
  const why = `it has a Dockerfile but no primitive.yaml (kind: ${kind}, name: ${name})`;
  return ignored('primitive-undeclared', path, why);
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
