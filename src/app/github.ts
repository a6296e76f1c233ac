import type { GithubHost } from '../adapters/github/host.ts';
import type { GitHub } from '../dispatch/github.ts';
import type { RepositoryIds } from '../features/init/guess.ts';
import { systemClock } from '../http/clock.ts';
import { createRetrySummary } from '../http/retry-summary.ts';
import { networkOf } from './environment.ts';
import type { AdapterBase } from './repository.ts';

/** The GitHub that the config or the environment names. */
export interface GithubAdapters {
  /**
   * `budget`: milliseconds that one call may spend on retries and on waits that GitHub asks for. `signal`: that of the
   * session unless it is given.
   */
  github(
    repository: string,
    options: { readonly budget: number; readonly signal?: AbortSignal },
  ): Promise<GitHub>;
  /** The ids of a repository on github.com (`acme/app`). Throws what asking for a token and the API throw. */
  repositoryIds(name: string, signal: AbortSignal): Promise<RepositoryIds>;
}

export function githubAdapters(base: AdapterBase): GithubAdapters & { closeGithub(): Promise<void> } {
  const { variables, signal: stopped, emit, processes, workspace } = base;
  const opened: { close(): Promise<void> }[] = [];
  const retries = createRetrySummary((message) => emit({ type: 'warning', code: 'github-retry', message }));
  const optionsFor = async (host: GithubHost, budget: number, signal: AbortSignal) => {
    const [{ findToken }, started] = await Promise.all([import('../adapters/github/token.ts'), processes()]);
    const options = {
      network: networkOf(variables),
      clock: systemClock,
      budget,
      signal,
      onRetry: retries.add,
    };
    const token = await findToken(host, {
      ...options,
      variables,
      processes: started,
    });
    return { ...options, host, token };
  };
  return {
    github: async (repository, { budget, signal = stopped }) => {
      const [{ createGithub }, { githubHost }, { config }] = await Promise.all([
        import('../adapters/github/github.ts'),
        import('../adapters/github/host.ts'),
        workspace(),
      ]);
      const host = githubHost(config.gitops?.host, variables);
      const github = createGithub(repository, await optionsFor(host, budget, signal));
      opened.push(github);
      return github;
    },
    repositoryIds: async (name, signal) => {
      const [{ readRepositoryIds }, { githubHost }] = await Promise.all([
        import('../adapters/github/ids.ts'),
        import('../adapters/github/host.ts'),
      ]);
      // By name: a GH_HOST of the environment is another GitHub, and has other ids.
      const host = githubHost('github.com', variables);
      return readRepositoryIds(name, await optionsFor(host, 0, signal));
    },
    closeGithub: async () => {
      retries.close();
      await Promise.all(opened.map((github) => github.close()));
    },
  };
}
