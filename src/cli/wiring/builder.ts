import { join } from 'node:path';
import type { ChosenBuilder } from '../../builders/choose.ts';
import { once } from '../../core/once.ts';
import type { SbomGenerator } from '../../seal/types.ts';
import { cacheFolder } from '../environment.ts';
import type { WiringContext } from './context.ts';
import type { WorkspaceWiring } from './workspace.ts';

/** What makes images, and what describes them. */
export interface BuilderWiring {
  builder(): Promise<ChosenBuilder>;
  sbom(): Promise<SbomGenerator>;
}

export function wireBuilder(
  { environment, signal }: WiringContext,
  { processes, workspace }: Pick<WorkspaceWiring, 'processes' | 'workspace'>,
): BuilderWiring {
  const { variables, programs, platform, temporary } = environment;
  return {
    builder: once(async () => {
      const [{ chooseBuilder }, { isLoopbackHost }, started, { config }] = await Promise.all([
        import('../../builders/choose.ts'),
        import('../../http/loopback.ts'),
        processes(),
        workspace(),
      ]);
      return chooseBuilder(config.build.builder, {
        path: variables.PATH,
        skipped: programs.skipped,
        folders: programs.rules,
        platform,
        processes: started,
        variables,
        temporary,
        storage: join(cacheFolder(environment), 'buildah'),
        allowsPlainHttp: (host) => isLoopbackHost(host) || config.insecureRegistries.includes(host),
        signal,
      });
    }),

    sbom: once(async () => {
      const [{ createSyft }, started] = await Promise.all([import('../../adapters/syft.ts'), processes()]);
      return createSyft({ processes: started, temporary });
    }),
  };
}
