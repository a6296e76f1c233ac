import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { digestOfStream } from '../../oci/digest.ts';
import type { Digest } from '../../oci/types.ts';
import { errnoOf } from '../../workspace/file-errors.ts';
import { MANIFEST, type Manifest, readManifest } from '../../workspace/provenance.ts';

/** What stands where a file is to be written. */
export type Existing =
  | { readonly type: 'file'; readonly digest: Digest; readonly size: number }
  /** Something that is neither, in the way of it: relative to the primitive's folder. */
  | { readonly type: 'blocked'; readonly by: string };

/** What stands where a primitive is to be written, before what would be written is known. */
export interface Site {
  /** Absolute. */
  readonly root: string;
  /** Relative to `root`: `primitives/domain/orders`. */
  readonly path: string;
  /** `occupied`: the folder has files. */
  readonly state: 'absent' | 'empty' | 'occupied';
  readonly manifest: Manifest | undefined;
  /** All other primitives on disk. */
  readonly others: readonly { readonly kind: string; readonly name: string }[];
}

/**
 * Looks at the folder of one primitive below the folder of the config.
 *
 * Throws `scaffold-blocked` where a link or a file stands in the way of a folder, and what {@link readManifest} throws.
 */
export async function readSite(root: string, kind: string, name: string): Promise<Site> {
  const path = `primitives/${kind}/${name}`;
  const others = (await readOthers(root)).filter((other) => other.kind !== kind || other.name !== name);
  for (const above of ['primitives', `primitives/${kind}`, path]) {
    const found = await look(join(root, above));
    if (found === undefined) return { root, path, state: 'absent', manifest: undefined, others };
    if (!found.isDirectory()) throw blocked(above, found);
  }
  const state = (await readdir(join(root, path))).length === 0 ? 'empty' : 'occupied';
  return { root, path, state, manifest: await manifestOf(root, path), others };
}

async function manifestOf(root: string, path: string): Promise<Manifest | undefined> {
  const shown = `${path}/${MANIFEST}`;
  const found = await look(join(root, shown));
  if (found === undefined) return undefined;
  if (!found.isFile()) throw blocked(shown, found);
  return readManifest(await readFile(join(root, shown), 'utf8'), shown);
}

async function readOthers(root: string): Promise<readonly { kind: string; name: string }[]> {
  const names = async (path: string) => (await readdir(join(root, path)).catch(() => [])).sort();
  const kinds = await names('primitives');
  const found = await Promise.all(
    kinds.map(async (kind) => (await names(`primitives/${kind}`)).map((name) => ({ kind, name }))),
  );
  return found.flat().filter(({ name }) => !name.startsWith('.'));
}

/** What stands at each of some paths below a primitive's folder; nothing where the map has no entry. */
export async function readExisting(
  folder: string,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, Existing>> {
  const existing = new Map<string, Existing>();
  if ((await look(folder)) === undefined) return existing;
  for (const path of paths) {
    const found = await readOne(folder, path);
    if (found !== undefined) existing.set(path, found);
  }
  return existing;
}

async function readOne(folder: string, path: string): Promise<Existing | undefined> {
  const parts = path.split('/');
  for (const depth of parts.keys()) {
    const by = parts.slice(0, depth + 1).join('/');
    const found = await look(join(folder, by));
    if (found === undefined) return undefined;
    const fits = by === path ? found.isFile() : found.isDirectory();
    if (!fits) return { type: 'blocked', by };
  }
  return { type: 'file', ...(await digestOfStream(createReadStream(join(folder, path)))) };
}

/** Some files of a folder that scaffold did not write, for a message; sorted. */
export async function readStrangers(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort().slice(0, MAX_STRANGERS);
}

const MAX_STRANGERS = 20;

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function blocked(path: string, found: Stats): PrimitiveError {
  const what = found.isSymbolicLink() ? 'a link' : found.isFile() ? 'a file' : 'no plain file or folder';
  return new PrimitiveError('scaffold-blocked', `${path} is in the way: it is ${what}.`, {
    why: found.isSymbolicLink()
      ? 'a link can lead out of the repository, and git does not follow it to find primitives'
      : 'the primitive needs that name',
    suggestions: [`Move it: git mv ${path} …`],
  });
}
