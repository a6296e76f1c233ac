import { createRetrySummary } from '../http/retry-summary.ts';
import type { RegistryClient } from '../oci/client.ts';
import type { CredentialSources } from '../oci/credentials.ts';
import { type Environment, given, networkOf, plainCredentials } from './environment.ts';
import type { Base } from './repository.ts';

/** The registry that the config names. */
export interface RegistryAdapters {
  /** `retryBudget` in milliseconds, of the first call; minutes by default. */
  registry(options?: { readonly retryBudget?: number }): Promise<RegistryClient>;
}

export function registryAdapters(base: Base): RegistryAdapters & { closeRegistry(): Promise<void> } {
  const { variables, signal, emit, processes, workspace } = base;
  let client: Promise<RegistryClient> | undefined;
  let close = async () => {};

  const create = async (options: { readonly retryBudget?: number }) => {
    const [{ createRegistryClient }, started, { config }] = await Promise.all([
      import('../oci/client.ts'),
      processes(),
      workspace(),
    ]);
    const retries = createRetrySummary((message) =>
      emit({ type: 'warning', code: 'registry-retry', message }),
    );
    const created = createRegistryClient({
      processes: started,
      access: 'write',
      plainHttp: config.insecureRegistries,
      plainCredentials: plainCredentials(variables),
      credentials: { ...loginsOf(base), fallbacks: githubFallback(variables) },
      ...networkOf(variables),
      signal,
      ...options,
      onRetry: retries.add,
    });
    close = () => {
      retries.close();
      return created.close();
    };
    return created;
  };

  return {
    registry: (options = {}) => {
      client ??= create(options);
      return client;
    },
    closeRegistry: () => close(),
  };
}

/** Where logins of registries are kept, by the environment. */
export function loginsOf({ variables, home }: Environment): CredentialSources {
  return {
    home,
    ...given('dockerConfig', variables.DOCKER_CONFIG),
    ...given('xdgRuntimeDir', variables.XDG_RUNTIME_DIR),
    ...given('xdgConfigHome', variables.XDG_CONFIG_HOME),
    ...given('registryAuthFile', variables.REGISTRY_AUTH_FILE),
  };
}

/** What a job of github.com has for its own packages without logging in; the token of another GitHub is not for ghcr.io. */
function githubFallback({
  GITHUB_TOKEN,
  GITHUB_ACTOR,
  GITHUB_ACTIONS,
  GITHUB_SERVER_URL = 'https://github.com',
}: Environment['variables']) {
  const isGithub = GITHUB_ACTIONS === 'true' && GITHUB_SERVER_URL === 'https://github.com';
  if (!isGithub || !GITHUB_TOKEN) return [];
  const username = GITHUB_ACTOR || 'x-access-token';
  return [{ host: 'ghcr.io', username, password: GITHUB_TOKEN, source: 'GITHUB_TOKEN' }];
}
