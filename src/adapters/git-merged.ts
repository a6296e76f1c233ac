import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Processes } from '../core/process.ts';
import { pathBelow } from '../repository/discovery.ts';
import { findCommit, localGit, text } from './git-command.ts';

/** Files of one commit. */
export interface MergedFiles {
  /** The text of a plain file of a folder, absolute, at that commit; undefined if it has none. */
  read(folder: string, name: string): Promise<string | undefined>;
}

/**
 * The files of the merge base of HEAD and a revision, in the repository around a folder; undefined if git cannot say which
 * commit that is, such as in a clone that lacks it. Nothing is fetched.
 */
export async function openMerged(
  processes: Processes,
  folder: string,
  revision: string,
  signal: AbortSignal,
): Promise<MergedFiles | undefined> {
  const git = localGit(processes, folder, signal);
  const top = await git.run(['rev-parse', '--show-toplevel']);
  const commit = await findCommit(git, revision);
  if (top.exitCode !== 0 || commit === undefined) return undefined;
  const base = await git.run(['merge-base', commit, 'HEAD']);
  if (base.exitCode !== 0) return undefined;
  const root = await realpath(text(top).replace(/\r?\n$/, ''));
  const id = text(base).trim();
  return {
    read: async (from, name) => {
      const path = posix.join(pathBelow(root, from) ?? '', name);
      const listed = await git.run(['ls-tree', '-z', '--full-tree', id, '--', path]);
      const [, object] = /^100(?:644|755) blob ([0-9a-f]+)\t/.exec(text(listed)) ?? [];
      if (object === undefined) return undefined;
      const blob = await git.run(['cat-file', 'blob', object]);
      return blob.exitCode === 0 ? text(blob) : undefined;
    },
  };
}
