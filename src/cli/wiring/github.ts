import type { GitHub } from '../../features/gitops/dispatch/github.ts';
import { systemClock } from '../../http/clock.ts';
import { networkOf } from '../environment.ts';
import type { WiringContext } from './context.ts';
import type { WorkspaceWiring } from './workspace.ts';

/** The GitHub that the config or the environment names. */
export interface GithubWiring {
  /**
   * `budget`: milliseconds that one call may spend on retries and on waits that GitHub asks for. `signal`: that of the
   * session unless it is given.
   */
  github(
    repository: string,
    options: { readonly budget: number; readonly signal?: AbortSignal },
  ): Promise<GitHub>;
  closeGithub(): Promise<void>;
}

export function wireGithub(
  { environment, signal: stopped, emit }: WiringContext,
  { processes, workspace }: Pick<WorkspaceWiring, 'processes' | 'workspace'>,
): GithubWiring {
  const opened: { close(): Promise<void> }[] = [];
  return {
    github: async (repository, { budget, signal = stopped }) => {
      const [{ createGithub }, { findToken }, { githubHost }, { config }, started] = await Promise.all([
        import('../../adapters/github/github.ts'),
        import('../../adapters/github/token.ts'),
        import('../../adapters/github/host.ts'),
        workspace(),
        processes(),
      ]);
      const host = githubHost(config.gitops?.host, environment.variables);
      const options = {
        network: networkOf(environment.variables),
        clock: systemClock,
        budget,
        signal,
        onRetry: (retry: { readonly host: string; readonly reason: string; readonly delay: number }) => {
          const message = `${retry.host}: ${retry.reason}; retrying in ${Math.ceil(retry.delay / 1000)} s`;
          emit({ type: 'warning', code: 'github-retry', message });
        },
      };
      const token = await findToken(host, {
        ...options,
        variables: environment.variables,
        processes: started,
      });
      const github = createGithub(repository, { ...options, host, token });
      opened.push(github);
      return github;
    },
    closeGithub: async () => {
      await Promise.all(opened.map((github) => github.close()));
    },
  };
}
