import { join } from 'node:path';
import type { PlainHttp } from '../builders/builder.ts';
import type { ChosenBuilder } from '../builders/choose.ts';
import { once } from '../core/once.ts';
import type { Processes } from '../core/process.ts';
import type { SbomGenerator } from '../seal/types.ts';
import { cacheFolder, type Environment, plainCredentials } from './environment.ts';
import { loginsOf } from './registry.ts';
import type { AdapterBase } from './repository.ts';

/** Adapters that build images and describe them. */
export interface BuilderAdapters {
  builder(): Promise<ChosenBuilder>;
  /** Finds the builder and asks it what `builder` needs to know; starts none. Throws what `builder` throws. */
  lookForBuilder(): Promise<void>;
  sbom(): Promise<SbomGenerator>;
}

export function builderAdapters(base: AdapterBase): BuilderAdapters {
  const { variables, programs, platform, temporary, signal, processes, workspace } = base;
  const search = once(async () => {
    const [choose, started, { config }] = await Promise.all([
      import('../builders/choose.ts'),
      processes(),
      workspace(),
    ]);
    const options = {
      path: variables.PATH,
      skipped: programs.skipped,
      folders: programs.rules,
      platform,
      processes: started,
      variables,
      temporary,
      storage: join(cacheFolder(base), 'buildah'),
      plainHttp: plainHttpOf(base, config.insecureRegistries, started),
      signal,
    };
    return { choose, wanted: config.build.builder, options, find: choose.createFinder(options) };
  });

  return {
    builder: once(async () => {
      const { choose, wanted, options, find } = await search();
      return choose.chooseBuilder(wanted, options, find);
    }),

    lookForBuilder: async () => {
      const { choose, wanted, find } = await search();
      await choose.lookForBuilder(wanted, find);
    },

    sbom: once(async () => {
      const [{ createSyft }, started] = await Promise.all([import('../adapters/syft.ts'), processes()]);
      return createSyft({ processes: started, temporary });
    }),
  };
}

/** The rule of the registry client for hosts without TLS, for builders. */
function plainHttpOf(environment: Environment, insecure: readonly string[], processes: Processes): PlainHttp {
  const { variables, home } = environment;
  const hasLogin = once(async () => {
    const { createCredentials } = await import('../oci/credentials.ts');
    // Further places of buildah: it searches all of them, and has one for users without XDG_RUNTIME_DIR.
    const ofUser = `/run/containers/${process.getuid?.() ?? 0}/auth.json`;
    const places = [loginsOf(environment), { home }, { registryAuthFile: ofUser }];
    const all = places.map((place) => createCredentials(place, processes));
    return async (host: string, path: string) => {
      const found = await Promise.all(all.map((credentials) => credentials.find(host, path)));
      return found.some((credential) => credential !== undefined);
    };
  });
  return async (repository) => {
    const [{ isLoopbackHost }, { repositoryHost, repositoryPath }] = await Promise.all([
      import('../http/loopback.ts'),
      import('../oci/reference.ts'),
    ]);
    const host = repositoryHost(repository);
    if (isLoopbackHost(host)) return 'with-login';
    if (!insecure.includes(host)) return 'no';
    if (plainCredentials(variables).includes(host)) return 'with-login';
    return (await (await hasLogin())(host, repositoryPath(repository))) ? 'has-login' : 'no-login';
  };
}
