import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

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
 * does not; names that begin with a dot are skipped. `root` is the folder of the config.
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

async function foldersIn(folder: string): Promise<readonly string[]> {
  const stats = await lstat(folder).catch(() => undefined);
  if (!stats?.isDirectory()) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
