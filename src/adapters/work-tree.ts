import { lstatSync } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import type { WorkTree } from '../features/verify/work-tree.ts';
import type { Processes } from '../toolchain/process.ts';
import { failed, type Git, openGit, text } from './git-command.ts';

/**
 * The work tree of the repository around a folder; a commit is needed for `changedSince` alone.
 * Throws `git-not-a-repository` (exit 2), and what {@link Processes} throws.
 */
export async function openWorkTree(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<WorkTree> {
  const here = await openGit(processes, folder, signal);
  const found = await here.run(['rev-parse', '--show-toplevel']);
  if (found.exitCode !== 0) {
    throw new PrimitiveError('git-not-a-repository', `${folder} is in no git work tree.`, {
      why: 'What git ignores is not checked, so git has to be asked.',
      suggestions: ['git init'],
    });
  }
  const root = text(found).replace(/\r?\n$/, '');
  const git = here.in(root);
  let listed: Promise<readonly string[]> | undefined;
  return {
    root,
    list: () => {
      listed ??= listFiles(git);
      return listed;
    },
    read: async (path) => {
      // Git has just looked at every file, so this one does not wait for a disk.
      const found = lstatSync(join(root, path), { throwIfNoEntry: false });
      return found?.isFile() ? readFile(join(root, path)) : undefined;
    },
    readLink: async (path) => {
      const found = await look(join(root, path));
      return found?.isSymbolicLink() ? readlink(join(root, path)) : undefined;
    },
    stamps: async () => {
      const paths = await listFiles(git);
      const found = await Promise.all(paths.map((path) => look(join(root, path))));
      return new Map(
        paths.map((path, i) => [path, `${found[i]?.size} ${found[i]?.mtimeMs} ${found[i]?.ino}`]),
      );
    },
    changedSince: (revision) => changedSince(git, revision),
  };
}

async function listFiles(git: Git): Promise<readonly string[]> {
  const paths = await names(git, ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  const deleted = new Set(await names(git, ['ls-files', '--deleted', '-z']));
  const unique = [...new Set(paths)].filter((path) => !deleted.has(path));
  return unique.sort();
}

async function changedSince(git: Git, revision: string): Promise<readonly string[]> {
  const commit = await git.run([
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  if (commit.exitCode !== 0) {
    throw new PrimitiveError('revision-unknown', `Revision ${JSON.stringify(revision)} is unknown here.`, {
      why: 'What has changed since then cannot be said; a clone may lack it.',
      suggestions: [
        'In GitHub Actions: actions/checkout with `fetch-depth: 0`',
        'git fetch origin main, then --changed-since origin/main',
      ],
    });
  }
  const fork = await git.run(['merge-base', text(commit).trim(), 'HEAD']);
  if (fork.exitCode !== 0) {
    throw new PrimitiveError(
      'revision-unrelated',
      `Revision ${JSON.stringify(revision)} and HEAD have no common commit.`,
      {
        why: 'The history is cut off in a shallow clone, or they are of different origin.',
        suggestions: ['git fetch --unshallow --filter=tree:0', 'Check everything: primitive verify'],
      },
    );
  }
  const changed = await names(git, [
    'diff',
    '--name-only',
    '-z',
    '--no-renames',
    '--no-ext-diff',
    text(fork).trim(),
    '--',
  ]);
  const untracked = await names(git, ['ls-files', '--others', '--exclude-standard', '-z']);
  return [...new Set([...changed, ...untracked])].sort();
}

async function names(git: Git, args: readonly string[]): Promise<readonly string[]> {
  const result = await git.run(args);
  if (result.exitCode !== 0) throw failed(args, result);
  return text(result)
    .split('\0')
    .filter((path) => path !== '');
}

async function look(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}
