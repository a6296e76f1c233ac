import { PrimitiveError } from '../core/errors.ts';
import type { CommitTree, FolderEntry, TreeEntry } from './source-tree.ts';

export interface Folder {
  /** Prefix of the paths of its files, without a slash at its end; '' for none. */
  readonly path: string;
  readonly object: string;
  /** True if a name in the path is not UTF-8. */
  readonly undecodable?: true;
}

/** A name in a folder, with the path to it. */
export type PlacedEntry = FolderEntry & Folder;

/** More files than any checkout could hold: a tree made by hand can name itself into astronomical numbers. */
const MAX_FILES = 5_000_000;

type Entry = Pick<FolderEntry, 'mode' | 'object'>;

/** The entry at a path of the commit; '' is its root. Undefined if the path does not exist. */
export async function findEntry(tree: CommitTree, path: string): Promise<Entry | undefined> {
  return (await findEntries(tree, [path]))[0];
}

/** As {@link findEntry} for many paths, each folder above them looked through once. */
export function findEntries(
  tree: CommitTree,
  paths: readonly string[],
): Promise<readonly (Entry | undefined)[]> {
  const opened = new Map<string, Promise<ReadonlyMap<string, Entry>>>();
  const look = async (path: string): Promise<Entry | undefined> => {
    if (path === '') return { mode: '040000', object: tree.head.tree };
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(slash, 0));
    const names = opened.get(folder) ?? open(folder);
    opened.set(folder, names);
    return (await names).get(path.slice(slash + 1));
  };
  const open = async (path: string): Promise<ReadonlyMap<string, Entry>> => {
    const folder = await look(path);
    if (folder?.mode !== '040000') return new Map();
    const [entries = []] = await tree.readFolders([folder.object]);
    return new Map(entries.flatMap((entry) => (entry.undecodable ? [] : [[entry.name, entry]])));
  };
  return Promise.all(paths.map(look));
}

/** The entries of some folders, in their order. */
export async function openFolders(tree: CommitTree, folders: readonly Folder[]): Promise<PlacedEntry[]> {
  const contents = await tree.readFolders(folders.map(({ object }) => object));
  return folders.flatMap(({ path, undecodable }, i) =>
    (contents[i] ?? []).map((entry) => ({
      ...entry,
      path: pathIn(path, entry.name),
      ...(undecodable ? { undecodable } : {}),
    })),
  );
}

/** All files below some folders, sorted by code unit of the path. */
export async function listFiles(tree: CommitTree, folders: readonly Folder[]): Promise<readonly TreeEntry[]> {
  const files: TreeEntry[] = [];
  for (let level = folders; level.length > 0; ) {
    const found = await openFolders(tree, level);
    for (const { name: _, mode, ...entry } of found) if (mode !== '040000') files.push({ ...entry, mode });
    level = found.filter(isFolder);
    if (files.length + level.length > MAX_FILES) throw tooMany();
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `path` below `folder`, where each can be '' for none. */
export function pathIn(folder: string, path: string): string {
  return folder === '' || path === '' ? folder + path : `${folder}/${path}`;
}

/** All folders above a path, '' included. */
export function parentsOf(path: string): readonly string[] {
  const segments = path.split('/');
  return path === '' ? [] : segments.map((_, depth) => segments.slice(0, depth).join('/'));
}

export function isFolder({ mode }: Pick<FolderEntry, 'mode'>): boolean {
  return mode === '040000';
}

function tooMany(): PrimitiveError {
  return new PrimitiveError('inputs-too-many', `The build contexts have more than ${MAX_FILES} files.`, {
    why: 'that is more than a builder can handle',
    suggestions: ['List the needed files in `build.inputs` of primitive.yaml.'],
  });
}
