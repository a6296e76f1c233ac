import type { Clock } from '../../../http/retry.ts';
import type { GitHub, PullRequest } from './github.ts';

/** Milliseconds until a pull request counts as missing: lists show it a few seconds late. */
const LATE = 30_000;

/**
 * The pull request that matters of those of a branch: the open one, else the newest that was made since `since` (ISO
 * 8601). Undefined where there is none.
 */
export function choosePull(pulls: readonly PullRequest[], since: string): PullRequest | undefined {
  return (
    pulls.find(({ state }) => state === 'open') ??
    pulls.find(({ created }) => Date.parse(created) >= Date.parse(since))
  );
}

/** The pull request of a run that has succeeded; waits for a while until it is listed. */
export async function awaitPull(
  github: GitHub,
  branch: string,
  since: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PullRequest | undefined> {
  const start = clock.now();
  for (let delay = 1_000; ; delay = Math.min(delay * 1.5, 5_000)) {
    const found = choosePull(await github.pulls(branch), since);
    if (found !== undefined || clock.now() - start + delay > LATE) return found;
    await clock.sleep(delay, signal);
  }
}
