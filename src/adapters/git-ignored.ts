import { PrimitiveError } from '../core/errors.ts';
import type { Processes } from '../core/process.ts';
import { localGit, text } from './git-command.ts';

/** The files of a folder below `root` that git ignores and does not track, relative to `root`; none if git cannot say. */
export async function readIgnored(
  processes: Processes,
  root: string,
  folder: string,
): Promise<readonly string[]> {
  const listing = ['ls-files', '--others', '--ignored', '--exclude-standard', '-z', '--', folder];
  try {
    const found = await localGit(processes, root).run(listing);
    return text(found).split('\0').slice(0, -1);
  } catch (error) {
    if (error instanceof PrimitiveError) return [];
    throw error;
  }
}
