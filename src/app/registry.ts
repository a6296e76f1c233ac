import { once } from '../core/once.ts';
import { createRetrySummary } from '../http/retry-summary.ts';
import type { RegistryClient } from '../oci/client.ts';
import type { CredentialSources } from '../oci/credentials.ts';
import { type Environment, given, networkOf, plainCredentials } from './environment.ts';
import type { AdapterBase } from './repository.ts';

export interface RegistryAdapters {
  /** For reading only, if there is no config; hosts without TLS are those of PRIMITIVE_INSECURE_REGISTRIES. */
  anyRegistry(): Promise<RegistryClient>;
  /** `retryBudget` in milliseconds, of the first call; minutes by default. */
  registry(options?: { readonly retryBudget?: number }): Promise<RegistryClient>;
}

export function registryAdapters(base: AdapterBase): RegistryAdapters & { closeRegistry(): Promise<void> } {
  const { variables, signal, emit, processes, workspace } = base;
  let client: Promise<RegistryClient> | undefined;
  const open: (() => Promise<void>)[] = [];

  const create = async (
    access: 'read' | 'write',
    plainHttp: readonly string[],
    options: { readonly retryBudget?: number } = {},
  ) => {
    const [{ createRegistryClient }, started] = await Promise.all([import('../oci/client.ts'), processes()]);
    const retries = createRetrySummary((message) =>
      emit({ type: 'warning', code: 'registry-retry', message }),
    );
    const created = createRegistryClient({
      processes: started,
      access,
      plainHttp,
      plainCredentials: plainCredentials(variables),
      credentials: { ...loginsOf(base), fallbacks: githubFallback(variables) },
      ...networkOf(variables),
      signal,
      ...options,
      onRetry: retries.add,
    });
    open.push(() => {
      retries.close();
      return created.close();
    });
    return created;
  };

  return {
    anyRegistry: once(() => create('read', plainCredentials(variables))),
    registry: (options = {}) => {
      client ??= workspace().then(({ config }) => create('write', config.insecureRegistries, options));
      return client;
    },
    closeRegistry: async () => {
      await Promise.all(open.map((close) => close()));
    },
  };
}

/** Files with registry credentials, by the environment. */
export function loginsOf({ variables, home }: Environment): CredentialSources {
  return {
    home,
    ...given('dockerConfig', variables.DOCKER_CONFIG),
    ...given('xdgRuntimeDir', variables.XDG_RUNTIME_DIR),
    ...given('xdgConfigHome', variables.XDG_CONFIG_HOME),
    ...given('registryAuthFile', variables.REGISTRY_AUTH_FILE),
  };
}

/** Credentials of a github.com job for its own packages, without a login; the token of another GitHub is not for ghcr.io. */
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
