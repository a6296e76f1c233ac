import { posix } from 'node:path';
import { isInstalled, languageOf } from '../../languages/all.ts';
import type { VerifyDocument } from './document.ts';
import type { Scope } from './scope.ts';
import type { WorkTree } from './work-tree.ts';

/**
 * The links read so far from a primitive, or from what its image includes, to code outside of both, or to anything of another
 * one: that was not checked as part of it. Links to installed packages, such as `node_modules`, do not count, unless another
 * primitive is one.
 */
export async function linksOut(
  { ownerOf, shipped }: Scope,
  tree: WorkTree,
): Promise<VerifyDocument['unchecked']> {
  const files = await tree.list();
  const below = (folder: string) => files.filter((file) => file.startsWith(`${folder}/`));
  const isChecked = (path: string, target: string) => {
    const owner = ownerOf(path);
    if (owner !== undefined && target.startsWith(`${owner.path}/`)) return true;
    return shipped.has(target) || below(target).some((file) => shipped.has(file));
  };
  const counts = (path: string, target: string) => {
    if (ownerOf(target) !== undefined) return true;
    if (isInstalled(path)) return false;
    const isCode = languageOf(path) !== undefined || languageOf(target) !== undefined;
    return isCode || target.startsWith('../') || below(target).length > 0;
  };
  const found: VerifyDocument['unchecked'][number][] = [];
  for (const path of [...tree.links].sort()) {
    const link = await tree.readLink(path);
    if (link === undefined || (ownerOf(path) === undefined && !shipped.has(path))) continue;
    const target = posix.isAbsolute(link)
      ? posix.relative(tree.root, link)
      : posix.join(posix.dirname(path), link);
    if (!isChecked(path, target) && counts(path, target))
      found.push({ what: path, why: `a link to ${target}` });
  }
  return found;
}
