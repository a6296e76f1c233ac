import type { Kind, Kinds } from '../../kinds/kind.ts';
import type { PrimitivePorts } from '../../repository/component.ts';
import { readPrimitiveTexts } from '../../repository/primitive-folders.ts';
import { type PrimitiveEntry, readPrimitives } from '../../repository/primitives.ts';

/** A primitive that code may be generated for; `path` is relative to the folder of the config. */
export interface OnDisk extends Pick<PrimitiveEntry, 'id' | 'kind' | 'name' | 'path' | 'manifest'> {
  readonly template: Kind;
}

/**
 * All primitives of the work tree that are of a known kind, committed or not, sorted; `fault` if one has no manifest.
 * Throws `primitive-unreadable` (exit 3).
 */
export async function readOnDisk({
  kinds,
  ...workspace
}: Omit<PrimitivePorts, 'kinds'> & { readonly kinds: Kinds }): Promise<
  readonly (OnDisk & Pick<PrimitiveEntry, 'fault' | 'component'>)[]
> {
  const texts = await readPrimitiveTexts(workspace.location.root, '');
  const found: (OnDisk & Pick<PrimitiveEntry, 'fault' | 'component'>)[] = [];
  for (const primitive of await readPrimitives(texts, { ...workspace, kinds, base: '' })) {
    const template = await kinds.get(primitive.kind);
    if (template !== undefined && texts.get(primitive.path) !== undefined)
      found.push({ ...primitive, template });
  }
  return found;
}
