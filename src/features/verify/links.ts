import { posix } from 'node:path';
import { isInstalled, languageOf } from '../../languages/all.ts';
import type { VerifyDocument } from './document.ts';
import type { Scope } from './scope.ts';
import type { WorkTree } from './work-tree.ts';

/**
 * The links read so far from a primitive to code outside of it, or to anything of another one. That is built with the
 * primitive but was not checked as part of it. Links to installed packages, such as `node_modules`, do not
 * count, unless another primitive is one.
 */
export async function linksOut({ ownerOf }: Scope, tree: WorkTree): Promise<VerifyDocument['unchecked']> {
  const files = await tree.list();
  const found: VerifyDocument['unchecked'][number][] = [];
  for (const path of [...tree.links].sort()) {
    const owner = ownerOf(path);
    const link = await tree.readLink(path);
    if (owner === undefined || link === undefined) continue;
    const target = posix.isAbsolute(link)
      ? posix.relative(tree.root, link)
      : posix.join(posix.dirname(path), link);
    if (target.startsWith(`${owner.path}/`)) continue;
    if (isInstalled(path) && ownerOf(target) === undefined) continue;
    const isFolder = target.startsWith('../') || files.some((file) => file.startsWith(`${target}/`));
    const isCode = languageOf(path) !== undefined || languageOf(target) !== undefined;
    if (isFolder || isCode || ownerOf(target) !== undefined)
      found.push({ what: path, why: `a link to ${target}` });
  }
  return found;
}
