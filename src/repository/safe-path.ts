import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathFault } from '../core/path-fault.ts';
import { isMissing } from './file-errors.ts';

/** The entry at a path below a folder. `blocked`: a link, or something else than the folder or file that has to be there. */
export type PathState =
  | { readonly type: 'missing' }
  | { readonly type: 'file' | 'folder'; readonly stats: Stats }
  /** `by` is relative to the folder. */
  | { readonly type: 'blocked'; readonly by: string; readonly stats: Stats };

/**
 * The entry at a path below a folder; `missing` for a text that {@link pathFault} refuses. Links are not followed: one could
 * lead anywhere.
 */
export async function lookBelow(folder: string, path: string): Promise<PathState> {
  const parts = pathFault(path) === undefined ? path.split('/') : [];
  for (const depth of parts.keys()) {
    const by = parts.slice(0, depth + 1).join('/');
    const stats = await look(join(folder, by));
    if (stats === undefined) return { type: 'missing' };
    const isLast = depth === parts.length - 1;
    if (isLast && stats.isFile()) return { type: 'file', stats };
    if (!stats.isDirectory()) return { type: 'blocked', by, stats };
    if (isLast) return { type: 'folder', stats };
  }
  return { type: 'missing' };
}

async function look(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
