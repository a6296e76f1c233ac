import { join, posix } from 'node:path';
import { COMPOSE_FILE, composeText, isComposeFile } from '../../kinds/compose/compose.ts';
import type { VerifyDocument } from './document.ts';
import type { Fact, Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** The compose file beside what generate would make of the primitives; nothing where there is none that generate wrote. */
export async function readCompose(
  primitives: readonly Primitive[],
  base: string,
  tree: WorkTree,
): Promise<{ readonly facts: readonly Fact[]; readonly unchecked: VerifyDocument['unchecked'] }> {
  const path = posix.join(base, COMPOSE_FILE);
  const bytes = await tree.read(path);
  const text = bytes && new TextDecoder().decode(bytes);
  if (text === undefined || !isComposeFile(text)) return { facts: [], unchecked: [] };
  const known = primitives.filter(({ kind }) => kind !== undefined);
  const composed = known.flatMap(({ id, kind, manifest, component }) =>
    kind === undefined || manifest === undefined || component === undefined
      ? []
      : [{ id, kind, manifest, component }],
  );
  if (composed.length < known.length) {
    const why = 'a primitive cannot be built as its primitive.yaml says';
    return { facts: [], unchecked: [{ what: `GEN of ${path}`, why }] };
  }
  const value = { path, text, wanted: composeText(composed, base, join(tree.root, base)) };
  return { facts: [{ subject: 'composeFile', value }], unchecked: [] };
}
