import { realpath } from 'node:fs/promises';
import { PrimitiveError } from '../errors.ts';
import type { Processes, RunResult } from '../toolchain/process.ts';
import type { History } from '../workspace/history.ts';
import type { Head, SourceTree } from '../workspace/source-tree.ts';
import { failed, Git, text } from './git-command.ts';
import { deepen, isAncestor } from './git-history.ts';
import { fetchMissing, readRemotes, remoteUrl } from './git-remotes.ts';
import { listChanges, listTree, readBlobs, readFilters } from './git-tree.ts';

/** A repository at one commit. */
export type GitRepository = SourceTree & History;

/**
 * Opens the repository around a folder at its HEAD.
 *
 * Throws `git-not-a-repository`, `git-bare-repository`, `git-unsafe-folder` or `git-no-commit` (exit 2) with the way
 * out, `git-failed` (exit 3), and what {@link Processes} throws.
 */
export async function openRepository(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<GitRepository> {
  const { root, head } = await locate(new Git(processes, folder, signal), folder);
  const git = new Git(processes, root, signal);
  const entries = once(() => listTree(git, head));
  const changes = once(() => listChanges(git));
  const remotes = once(() => readRemotes(git));
  return {
    root,
    head,
    entries: () => {
      // Needed before the first file is read: git can say it while it lists.
      remotes().catch(() => {});
      return entries();
    },
    changes,
    readBlobs: async (objects, receiver) => {
      if (objects.length === 0) return;
      await fetchMissing(git, await remotes(), head.commit, objects);
      await readBlobs(git, head, objects, receiver);
    },
    filters: (paths) => readFilters(git, paths),
    isAncestor: (ancestor, descendant) => isAncestor(git, ancestor, descendant),
    deepen: async () => deepen(git, await remotes()),
    remoteUrl: async () => remoteUrl(await remotes()),
  };
}

/** The same answer for each call, asked for by the first. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

async function locate(git: Git, folder: string): Promise<{ root: string; head: Head }> {
  const facts = await git.run([
    'rev-parse',
    '--is-bare-repository',
    '--is-shallow-repository',
    '--show-object-format',
    'HEAD',
    '--symbolic-full-name',
    'HEAD',
    // Last, as the path of a folder can have line feeds.
    '--show-toplevel',
  ]);
  // What was asked before the part that failed is answered.
  const [bare, shallow, objectFormat, commit, ref, ...toplevel] = text(facts).replace(/\n$/, '').split('\n');
  if (bare === undefined || bare === '') throw notOpened(folder, facts);
  if (bare === 'true' || /must be run in a work tree/.test(facts.stderr)) throw bareRepository(folder);
  if (facts.exitCode !== 0 || commit === undefined || ref === undefined) throw noCommit(folder, facts);
  return {
    root: await realpath(toplevel.join('\n')),
    head: {
      commit,
      ...(ref.startsWith('refs/heads/') ? { branch: ref.slice('refs/heads/'.length) } : {}),
      objectFormat: objectFormat === 'sha256' ? 'sha256' : 'sha1',
      shallow: shallow === 'true',
    },
  };
}

function bareRepository(folder: string): PrimitiveError {
  return new PrimitiveError('git-bare-repository', `${folder} has no work tree.`, {
    why: 'it is a bare repository or the inside of a .git folder',
    suggestions: ['git worktree add ../work HEAD && cd ../work'],
  });
}

function noCommit(folder: string, result: RunResult): PrimitiveError {
  if (!/unknown revision|ambiguous argument|bad revision/.test(result.stderr))
    return failed(['rev-parse'], result);
  return new PrimitiveError('git-no-commit', `The repository of ${folder} has no commit yet.`, {
    why: 'what is published is what was committed',
    suggestions: ['git add . && git commit'],
  });
}

function notOpened(folder: string, result: RunResult): PrimitiveError {
  if (/dubious ownership/.test(result.stderr)) {
    return new PrimitiveError('git-unsafe-folder', `Git refuses to read ${folder}.`, {
      why: 'the folder belongs to another user, as in a container with a mounted checkout',
      suggestions: [`git config --global --add safe.directory '${folder}'`],
    });
  }
  if (/not a git repository/.test(result.stderr)) {
    return new PrimitiveError('git-not-a-repository', `${folder} is in no git repository.`, {
      why: 'what is published is what was committed: names of files, their content and the commit come from git',
      suggestions: ['git init && git add . && git commit'],
    });
  }
  return failed(['rev-parse'], result);
}
