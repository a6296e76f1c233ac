import { createReadStream, existsSync, type Stats } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, digestOfStream } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { isCrlf, withLineFeeds } from '../../repository/merge.ts';
import { listPrimitiveFolders, MANIFEST } from '../../repository/primitive-folders.ts';
import { type PrimitiveManifest, readManifest } from '../../repository/provenance.ts';
import { lookBelow } from '../../repository/safe-path.ts';

/** The current state of a path that is to be written. */
export type Existing =
  | {
      readonly type: 'file';
      readonly digest: Digest;
      readonly size: number;
      /** With line feeds alone, if all its lines end as Windows has them: git may have made them so. */
      readonly lineFeeds?: Digest;
    }
  /** Something that is neither, in the way of it: relative to the primitive's folder. */
  | { readonly type: 'blocked'; readonly by: string };

/** The folder of a primitive that is to be written, as it is before. */
export interface Site {
  /** Absolute. */
  readonly root: string;
  /** Relative to `root`: `primitives/domain/orders`. */
  readonly path: string;
  /** `occupied`: the folder has files. */
  readonly state: 'absent' | 'empty' | 'occupied';
  readonly manifest: PrimitiveManifest | undefined;
  /** All other primitives on disk. */
  readonly others: readonly OtherPrimitive[];
}

/** A primitive beside the one that is scaffolded. */
export interface OtherPrimitive {
  readonly kind: string;
  readonly name: string;
  /** Instead of what the config makes. */
  readonly image?: string;
}

/**
 * Reads the folder of one primitive below the folder of the config.
 *
 * Throws `scaffold-blocked` if a link or a file is in the way of a folder, and what {@link readManifest} throws.
 */
export async function readSite(root: string, kind: string, name: string): Promise<Site> {
  const path = `primitives/${kind}/${name}`;
  const others = await readOthers(root, path);
  const found = await lookBelow(root, path);
  if (found.type === 'missing') return { root, path, state: 'absent', manifest: undefined, others };
  if (found.type === 'blocked') throw blocked(found.by, found.stats);
  if (found.type === 'file') throw blocked(path, found.stats);
  const state = (await readdir(join(root, path))).length === 0 ? 'empty' : 'occupied';
  return { root, path, state, manifest: await manifestOf(root, path), others };
}

async function manifestOf(root: string, path: string): Promise<PrimitiveManifest | undefined> {
  const shown = `${path}/${MANIFEST}`;
  const found = await lookBelow(root, shown);
  if (found.type === 'missing') return undefined;
  if (found.type !== 'file') throw blocked(shown, found.stats);
  return readManifest(await readFile(join(root, shown), 'utf8'), shown);
}

async function readOthers(root: string, own: string): Promise<readonly OtherPrimitive[]> {
  const folders = (await listPrimitiveFolders(root)).filter(({ path }) => path !== own);
  return Promise.all(
    folders.map(async ({ kind, name, path }) => {
      const text = await readFile(join(root, path, MANIFEST), 'utf8').catch(() => '');
      // Few name an image, and parsing hundreds takes time. A broken one is reported by its own commands.
      const manifest = text.includes('image')
        ? await readManifest(text, path).catch(() => undefined)
        : undefined;
      return { kind, name, ...(manifest?.image === undefined ? {} : { image: manifest.image }) };
    }),
  );
}

/** The current state of some paths below a primitive's folder; no entry if nothing exists. */
export async function readExisting(
  folder: string,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, Existing>> {
  const existing = new Map<string, Existing>();
  // A new primitive has no file yet.
  if (!existsSync(folder)) return existing;
  for (const path of paths) {
    const found = await readOne(folder, path);
    if (found !== undefined) existing.set(path, found);
  }
  return existing;
}

async function readOne(folder: string, path: string): Promise<Existing | undefined> {
  const found = await lookBelow(folder, path);
  if (found.type === 'missing') return undefined;
  if (found.type === 'blocked') return { type: 'blocked', by: found.by };
  if (found.type === 'folder') return { type: 'blocked', by: path };
  const file = join(folder, path);
  const { digest, size } = await digestOfStream(createReadStream(file));
  const text = size > MAX_TEXT ? '' : await readFile(file, 'latin1');
  if (!isCrlf(text)) return { type: 'file', digest, size };
  return { type: 'file', digest, size, lineFeeds: digestOf(Buffer.from(withLineFeeds(text), 'latin1')) };
}

/** Bytes of the largest file that is read as text. */
const MAX_TEXT = 1024 * 1024;

/** Some names in a folder if nothing was scaffolded, for a message; sorted. */
export async function readUnexpected(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  // A person may write that first, if the template needs it.
  return names
    .filter((name) => name !== MANIFEST)
    .sort()
    .slice(0, MAX_UNEXPECTED);
}

const MAX_UNEXPECTED = 20;

function blocked(path: string, found: Stats): PrimitiveError {
  const what = found.isSymbolicLink() ? 'a link' : found.isFile() ? 'a file' : 'neither a file nor a folder';
  return new PrimitiveError('scaffold-blocked', `${path} is ${what}, and scaffold needs a folder there.`, {
    why: found.isSymbolicLink()
      ? 'a link can lead out of the repository, and git does not follow it to find primitives'
      : 'the primitive needs that path',
    suggestions: [`Move it: mv ${path} …`],
  });
}
