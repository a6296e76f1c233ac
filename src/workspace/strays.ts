import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Listing } from './listing.ts';
import type { SourceTree, TreeEntry } from './source-tree.ts';

/** Something that is not wrong, but may not be what was meant. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** What looks like a component below `folder` (`primitives`) and is none. */
export function strays(marks: readonly TreeEntry[], folder: string, listing: Listing): readonly Warning[] {
  return marks.flatMap(({ path, mode }): readonly Warning[] => {
    const inside = path.slice(folder.length + 1);
    const depth = inside.split('/').length;
    if (inside.endsWith('primitive.yaml') && depth !== 3) {
      return [
        {
          code: 'primitive-misplaced',
          message: `${path} is ignored: a primitive is a folder ${folder}/<kind>/<name>.`,
        },
      ];
    }
    if (mode === '160000' && depth <= 2) {
      return [
        {
          code: 'primitive-submodule',
          message: `${path} is ignored: it is a submodule, whose files git does not hold here.`,
        },
      ];
    }
    if (/^[^/]+\/[^/]+\/Dockerfile$/.test(inside) && !listing.has(`${posix.dirname(path)}/primitive.yaml`)) {
      const [kind, name] = inside.split('/');
      return [
        {
          code: 'primitive-undeclared',
          message: `${posix.dirname(path)} is ignored: it has a Dockerfile but no primitive.yaml (kind: ${kind}, name: ${name}).`,
        },
      ];
    }
    return [];
  });
}

/** What a person has just made and may expect to be published. */
export async function uncommitted(
  tree: Pick<SourceTree, 'root'>,
  folder: string,
  listing: Listing,
): Promise<readonly Warning[]> {
  const names = (path: string) => readdir(join(tree.root, path)).catch(() => []);
  const kinds = (await names(folder)).sort();
  const found = await Promise.all(
    kinds.map(async (kind) =>
      (await names(`${folder}/${kind}`)).sort().map((name) => `${folder}/${kind}/${name}`),
    ),
  );
  return found
    .flat()
    .filter(
      (path) => !listing.has(`${path}/primitive.yaml`) && existsSync(join(tree.root, path, 'primitive.yaml')),
    )
    .map((path) => ({
      code: 'primitive-uncommitted',
      message: `${path} is ignored: its primitive.yaml is not committed.`,
    }));
}
