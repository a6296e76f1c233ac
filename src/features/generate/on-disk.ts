import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind, Kinds } from '../../kinds/kind.ts';
import { MANIFEST, readManifest } from '../../workspace/provenance.ts';

/** A primitive of the work tree, committed or not. */
export interface OnDisk {
  /** `domain/orders`. */
  readonly id: string;
  readonly kind: Kind;
  readonly name: string;
  /** Relative to the folder of the config. */
  readonly path: string;
}

/** All primitives of the work tree that are of a known kind, sorted. Throws what {@link readManifest} throws. */
export async function readOnDisk(root: string, kinds: Kinds): Promise<readonly OnDisk[]> {
  const found: OnDisk[] = [];
  for (const kind of [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1))) {
    const names = await readdir(join(root, 'primitives', kind.kind)).catch(() => []);
    for (const name of names.filter((entry) => !entry.startsWith('.')).sort()) {
      const path = `primitives/${kind.kind}/${name}`;
      const text = await readFile(join(root, path, MANIFEST), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      await readManifest(text, `${path}/${MANIFEST}`);
      found.push({ id: `${kind.kind}/${name}`, kind, name, path });
    }
  }
  return found;
}
