import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { isMissing } from './file-errors.ts';

/** A folder `primitives/<kind>/<name>` of the work tree. */
export interface PrimitiveFolder {
  readonly kind: string;
  readonly name: string;
  /** Relative to the folder of the config: `primitives/domain/orders`. */
  readonly path: string;
}

/** The file of a primitive that says what it is. */
export const MANIFEST = 'primitive.yaml';

/** The folder of all primitives, below that of the config. */
export const PRIMITIVES = 'primitives';

/**
 * All folders where a primitive may be, sorted by kind and name, also empty ones. Links are not followed, as git
 * does not; names that begin with a dot are skipped. `root` is the folder of the config. Throws `primitive-unreadable`
 * (exit 3).
 */
export async function listPrimitiveFolders(root: string): Promise<readonly PrimitiveFolder[]> {
  const kinds = await foldersIn(join(root, PRIMITIVES));
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const names = await foldersIn(join(root, PRIMITIVES, kind));
      return names.map((name) => ({ kind, name, path: `${PRIMITIVES}/${kind}/${name}` }));
    }),
  );
  return found.flat();
}

/**
 * The text of the `primitive.yaml` of each of those folders, by path below `base`; undefined if that is no plain file.
 * Throws `primitive-unreadable` (exit 3).
 */
export async function readPrimitiveTexts(
  root: string,
  base: string,
): Promise<ReadonlyMap<string, string | undefined>> {
  const texts = await Promise.all(
    (await listPrimitiveFolders(root)).map(
      async ({ path }) => [posix.join(base, path), await readPrimitiveFile(root, path)] as const,
    ),
  );
  return new Map(texts);
}

async function readPrimitiveFile(root: string, path: string): Promise<string | undefined> {
  const file = join(root, path, MANIFEST);
  return (await look(file))?.isFile() ? readFile(file, 'utf8').catch(unreadable(file)) : undefined;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  if (!(await look(folder))?.isDirectory()) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(unreadable(folder));
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

function look(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((cause: unknown) => {
    if (isMissing(cause)) return undefined;
    return unreadable(path)(cause);
  });
}

function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new PrimitiveError('primitive-unreadable', `Cannot read ${path}.`, {
      why: messageOf(cause),
      exit: 3,
      cause,
    });
  };
}

/** Folder in which changes of a primitive's folder are staged: beside it, since it may be missing; all who write there share it. */
export function stagingOf(folder: string): string {
  return join(dirname(folder), `.${basename(folder)}.scaffold`);
}
