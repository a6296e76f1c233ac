import { optional } from '../core/object.ts';
import type { Processes } from '../core/process.ts';
import { localGit, text } from './git-command.ts';
import { remotesOf, remoteUrl } from './git-remotes.ts';

/** The origin of a repository; needs no commit. */
export interface Origin {
  /** As `https://host/path`, without credentials; see `History.remoteUrl`. */
  readonly remote?: string;
  /** The branch that others branch from, as far as the repository knows. */
  readonly branch?: string;
}

/** Reads remote and default branch of the repository around a folder. Never fetches. */
export async function readOrigin(
  processes: Processes,
  folder: string,
  signal?: AbortSignal,
): Promise<Origin> {
  const git = localGit(processes, folder, signal);
  const [configuration, heads, current] = await Promise.all([
    git.configuration(),
    git.run(['for-each-ref', '--format=%(refname)%09%(symref)', 'refs/heads', 'refs/remotes/origin/HEAD']),
    git.run(['symbolic-ref', '--quiet', 'HEAD']),
  ]);
  const remote = remoteUrl(remotesOf(configuration));
  const branch = defaultBranch(text(heads).split('\n'), text(current).trim());
  return { ...optional('remote', remote), ...optional('branch', branch) };
}

/** The default branch of origin; else `main` or `master`; else the current branch, such as before the first commit. */
function defaultBranch(refs: readonly string[], current: string): string | undefined {
  const origin = refs.map(
    (line) => /^refs\/remotes\/origin\/HEAD\trefs\/remotes\/origin\/(.+)$/.exec(line)?.[1],
  );
  const common = ['main', 'master'].filter((name) => refs.includes(`refs/heads/${name}\t`));
  return origin.find((name) => name !== undefined) ?? common[0] ?? /^refs\/heads\/(.+)$/.exec(current)?.[1];
}
