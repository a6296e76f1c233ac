import { PrimitiveError } from '../../core/errors.ts';
import type { RepositoryIds } from './guess.ts';

/** Ports to find the ids of a repository. */
export interface IdPorts {
  readonly ci: 'github' | 'other' | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Asks github.com about a repository (`acme/app`). Throws what asking for a token and the API throw. */
  repositoryIds(name: string, signal: AbortSignal): Promise<RepositoryIds>;
  readonly signal: AbortSignal;
}

/** Milliseconds that GitHub gets for an answer which init can do without. */
const PATIENCE = 10_000;

/**
 * The ids of a repository on github.com (`acme/app`): from the job of GitHub Actions that this is, else from GitHub with
 * the user's token; undefined if both fail.
 */
export async function findIds(
  name: string,
  { ci, variables, repositoryIds, signal }: IdPorts,
): Promise<RepositoryIds | undefined> {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID, GITHUB_REPOSITORY_OWNER_ID } =
    variables;
  const isHere = ci === 'github' && GITHUB_SERVER_URL === 'https://github.com' && GITHUB_REPOSITORY === name;
  if (isHere && GITHUB_REPOSITORY_ID && GITHUB_REPOSITORY_OWNER_ID)
    return { repositoryId: GITHUB_REPOSITORY_ID, ownerId: GITHUB_REPOSITORY_OWNER_ID };
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    return await repositoryIds(name, AbortSignal.any([signal, patience]));
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted || error instanceof PrimitiveError) return undefined;
    throw error;
  }
}
