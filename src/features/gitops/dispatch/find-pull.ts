import type { Clock } from '../../../http/retry.ts';
import { awaitListed } from './await-listed.ts';
import type { GitHub, PullRequest } from './github.ts';

/**
 * The pull request that matters of those of a branch: the open one, else the newest that was made since `since` (ISO
 * 8601). Undefined where there is none.
 */
function choosePull(pulls: readonly PullRequest[], since: string): PullRequest | undefined {
  return (
    pulls.find(({ state }) => state === 'open') ??
    pulls.find(({ created }) => Date.parse(created) >= Date.parse(since))
  );
}

/** The pull request of a run that has succeeded; waits for a while until it is listed. */
export function awaitPull(
  github: GitHub,
  branch: string,
  since: string,
  ports: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PullRequest | undefined> {
  return awaitListed(async () => choosePull(await github.pulls(branch), since), ports);
}
