import type { Kind, Kinds } from '../../kinds/kind.ts';
import {
  listPrimitiveFolders,
  MANIFEST,
  type PrimitiveFolder,
  readPrimitiveFile,
} from '../../repository/primitive-folders.ts';
import { type Manifest, readManifest } from '../../repository/provenance.ts';

/** A primitive of the work tree, committed or not. */
export interface OnDisk extends PrimitiveFolder {
  /** `domain/orders`. */
  readonly id: string;
  readonly template: Kind;
  readonly manifest: Pick<Manifest, 'bpmn' | 'provenance'>;
}

/**
 * All primitives of the work tree that are of a known kind, sorted. Throws what {@link readManifest} and
 * {@link readPrimitiveFile} throw.
 */
export async function readOnDisk(root: string, kinds: Kinds): Promise<readonly OnDisk[]> {
  const found: OnDisk[] = [];
  for (const folder of await listPrimitiveFolders(root)) {
    const template = await kinds.get(folder.kind);
    const shown = `${folder.path}/${MANIFEST}`;
    const text = await readPrimitiveFile(root, folder);
    if (template === undefined || text === undefined) continue;
    const manifest = await readManifest(text, shown);
    found.push({ ...folder, id: `${folder.kind}/${folder.name}`, template, manifest });
  }
  return found;
}
