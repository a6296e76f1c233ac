import type { Clock } from '../http/retry.ts';
import { awaitListed } from './await-listed.ts';
import type { GitHub, GitHubRepository, PullRequest, PullRequestFile } from './github.ts';

/** The open pull request of those of a branch that is for the default branch: one for another is of somebody else. */
export function openPull(
  pulls: readonly PullRequest[],
  repository: GitHubRepository | undefined,
): PullRequest | undefined {
  return pulls.find((pull) => pull.state === 'open' && isFor(pull, repository));
}

function isFor({ base }: PullRequest, repository: GitHubRepository | undefined): boolean {
  return repository === undefined || base === repository.defaultBranch;
}

/**
 * The pull request of a run that has succeeded: the open one, else the newest that was made since `since` (ISO 8601).
 * Waits for a while until it is listed.
 */
export async function awaitPull(
  github: GitHub,
  branch: string,
  since: string,
  ports: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PullRequest | undefined> {
  const repository = await github.repository();
  return awaitListed(async () => {
    const pulls = await github.pulls(branch);
    const made = pulls.find(
      (pull) => Date.parse(pull.created) >= Date.parse(since) && isFor(pull, repository),
    );
    return openPull(pulls, repository) ?? made;
  }, ports);
}

/** Files of a pull request that no request of its branch writes: somebody else has put them there. */
export function foreignFiles(
  files: readonly PullRequestFile[],
  allowed: readonly string[] | undefined,
): readonly string[] {
  if (allowed === undefined) return [];
  const isAllowed = (path: string) => allowed.some((pattern) => isLike(path, pattern));
  return files
    .filter(({ path, status }) => !isAllowed(path) || !['added', 'modified'].includes(status))
    .map(({ path }) => path);
}

/** Each `*` of a pattern is a name, or a part of one. */
function isLike(path: string, pattern: string): boolean {
  const [parts, wanted] = [path.split('/'), pattern.split('/')];
  return (
    parts.length === wanted.length &&
    wanted.every((part, i) => {
      const found = parts[i] ?? '';
      const [before = '', after] = part.split('*');
      if (after === undefined) return found === before;
      const name = found.slice(before.length, found.length - after.length);
      return found === `${before}${name}${after}` && /^[\w.-]+$/.test(name);
    })
  );
}
