import { posix } from 'node:path';
import { folderOf, nameOf } from '../../../core/path-parts.ts';
import type { LanguageId } from '../../../languages/all.ts';
import type { Mention } from '../../../languages/mentions.ts';
import type { Resolve, Target } from '../../../languages/packages.ts';
import type { SourceTree } from '../../../languages/source-tree.ts';
import type { Primitive } from '../subjects.ts';

/** A text that leads into another primitive. */
interface Mentioned {
  readonly specifier: string;
  readonly line: number;
  readonly column: number;
  readonly target: Target;
  readonly owner: Primitive;
}

/** The file that has the texts, and how to resolve them. */
interface Place {
  readonly language: LanguageId;
  readonly repository: SourceTree;
  readonly path: string;
  readonly own: Primitive | undefined;
  readonly ownerOf: (path: string) => Primitive | undefined;
  readonly resolve: Resolve;
}

/**
 * Texts of a file that lead into another primitive: names of modules that exist, and paths. A path is relative to the file, a
 * folder above it or the root of the repository: the first place where it exists.
 */
export function mentionedIn(mentions: readonly Mention[], place: Place): readonly Mentioned[] {
  return mentions.flatMap(({ kind, text, line, column }) => {
    const path = kind === 'path' ? pathOf(text, place) : moduleOf(text, place);
    const owner = path === undefined ? undefined : place.ownerOf(path);
    if (path === undefined || owner === undefined || owner === place.own) return [];
    return [{ specifier: text, line, column, target: { type: 'path', path }, owner }];
  });
}

function pathOf(text: string, { repository, path, own, ownerOf }: Place): string | undefined {
  const bases = ['.'];
  for (let base = folderOf(path); own !== undefined && base.startsWith(own.path); base = folderOf(base))
    bases.splice(-1, 0, base);
  if (own === undefined) bases.unshift(folderOf(path));
  const paths = bases.flatMap((base) => repository.realPath(posix.join(base, trimmed(text))) ?? []);
  // What is not there may be built later.
  return paths.find((one) => isThere(one, repository)) ?? paths.find((one) => isOthers(ownerOf(one), own));
}

/** A path without the dots and slashes that end a sentence or the name of a folder. */
function trimmed(path: string): string {
  let end = path.length;
  while (path[end - 1] === '.' || path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

function isOthers(owner: Primitive | undefined, own: Primitive | undefined): boolean {
  return owner !== undefined && owner !== own;
}

/** Whether a file or folder is there, or a file whose suffix a loader adds. */
function isThere(path: string, repository: SourceTree): boolean {
  if (repository.files.has(path) || repository.hasFolder(path)) return true;
  const start = `${nameOf(path)}.`;
  return repository.filesIn(folderOf(path)).some((name) => name.startsWith(start));
}

/** The path of a module of which the first two names are there. */
function moduleOf(text: string, { repository, resolve, language }: Place): string | undefined {
  const name = language === 'python' ? text.split('.').slice(0, 2).join('.') : text;
  const target = resolve(name).find(({ type }) => type === 'path');
  return target?.type === 'path' && isThere(target.path, repository) ? target.path : undefined;
}
