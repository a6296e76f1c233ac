import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, posix, sep, win32 } from 'node:path';

/** Names folders of PATH that may hold programs although {@link sortFolders} would skip them; written as PATH is. */
export const ALLOW_VARIABLE = 'PRIMITIVE_PROGRAM_FOLDERS';

/** A folder of PATH that no program is taken from. */
export interface SkippedFolder {
  /** As PATH has it. */
  readonly folder: string;
  /** A sentence without its end. */
  readonly why: string;
}

/** Folders that a commit or a package can write, and those that the user allows. */
export interface FolderRules {
  /** Repositories, links resolved. */
  readonly checkouts: readonly string[];
  /** Folders, links resolved. */
  readonly allowed: readonly string[];
}

/**
 * The absolute entries of a PATH. Others are skipped: they mean the current folder, which a repository fills.
 */
export function programFolders({
  path = '',
  platform,
}: {
  readonly path: string | undefined;
  readonly platform: NodeJS.Platform;
}): readonly string[] {
  const flavour = platform === 'win32' ? win32 : posix;
  return path.split(flavour.delimiter).filter((folder) => flavour.isAbsolute(folder));
}

/**
 * Parts the folders of a PATH. Skipped are those in a checkout, also by a link, and those of `node_modules` and of
 * Yarn's scripts (`xfs-…` in the temporary folder): package managers put them first, and any dependency fills them.
 */
export function sortFolders(
  folders: readonly string[],
  { checkouts, allowed }: FolderRules,
): { readonly used: readonly string[]; readonly skipped: readonly SkippedFolder[] } {
  const used: string[] = [];
  const skipped: SkippedFolder[] = [];
  for (const folder of folders) {
    const real = realPath(folder);
    const checkout = checkouts.find((root) => [folder, real].some((path) => isWithin(root, path)));
    if (allowed.includes(real)) used.push(folder);
    else if (checkout !== undefined) skipped.push({ folder, why: `it is in the repository ${checkout}` });
    else if ([folder, real].some(isOfPackages)) skipped.push({ folder, why: 'packages of npm fill it' });
    else used.push(folder);
  }
  return { used, skipped };
}

/** The checkout that a program is in, also by a link; undefined for one that may be started. */
export function checkoutOf(file: string, { checkouts, allowed }: FolderRules): string | undefined {
  if (allowed.includes(realPath(dirname(file)))) return undefined;
  const real = realPath(file);
  return checkouts.find((root) => isWithin(root, real));
}

/**
 * The repositories around a folder, whose commits fill it: the nearest one, and those around that (of a submodule, a
 * worktree), but none that the home folder is in. Outside of git the folder itself.
 */
export function checkoutsAround(folder: string, home: string): readonly string[] {
  const found: string[] = [];
  for (let at = realPath(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) found.push(at);
    if (at === dirname(at)) break;
  }
  const [nearest, ...outer] = found;
  const others = (nearest === undefined ? [realPath(folder)] : outer).filter(
    (root) => !isWithin(root, realPath(home)),
  );
  return nearest === undefined ? others : [nearest, ...others];
}

/** Links resolved; as it is if nothing is there. */
export function realPath(path: string): string {
  try {
    // Of the system: it also says how a name is written where its case does not matter.
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

function isWithin(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

function isOfPackages(path: string): boolean {
  return /[/\\](?:node_modules|xfs-[0-9a-f]{8})(?:[/\\]|$)/i.test(path);
}
