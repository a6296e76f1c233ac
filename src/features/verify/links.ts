import { posix } from 'node:path';
import type { VerifyDocument } from './document.ts';
import { isInstalled, languageOf } from './imports/source.ts';
import type { Scope } from './scope.ts';
import type { WorkTree } from './work-tree.ts';

/**
 * Links of primitives to code that is not theirs, among what was read so far: it is built with the primitive, but was
 * not judged as a part of it. What is installed is not meant, such as a link `node_modules`.
 */
export async function linksOut({ ownerOf }: Scope, tree: WorkTree): Promise<VerifyDocument['unchecked']> {
  const files = await tree.list();
  const found: VerifyDocument['unchecked'][number][] = [];
  for (const path of [...tree.links].sort()) {
    const owner = ownerOf(path);
    const link = await tree.readLink(path);
    if (owner === undefined || link === undefined || isInstalled(path)) continue;
    const target = posix.isAbsolute(link)
      ? posix.relative(tree.root, link)
      : posix.join(posix.dirname(path), link);
    if (target.startsWith(`${owner.path}/`)) continue;
    const isFolder = target.startsWith('../') || files.some((file) => file.startsWith(`${target}/`));
    if (isFolder || languageOf(path) !== undefined) found.push({ what: path, why: `a link to ${target}` });
  }
  return found;
}
